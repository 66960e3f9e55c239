// Doodles: a canvas that the service watches, pictures, and a game against the clock.

import { ask, clearProblem, element, language, showProblem, smallPercent, t, whenBack } from "./page.js";
import { Canvas } from "./doodle_canvas.js";
import { Watch } from "./doodle_watch.js";
import { Game } from "./doodle_game.js";

const LARGEST_IMAGE = 3 << 20; // bytes; the gateway takes no more
const SURE = 0.3; // less than this is not called a guess

const find = (id) => document.getElementById(id);
const say = find("say");
let names = {}; // of the categories; read last, so that nobody draws before the page listens
let shown = null; // the answer that is on the page
const nameOf = (category) => names[category] ?? category;

const watch = new Watch(showGuesses, showProblem);
const canvas = new Canvas(find("canvas"), (change) => {
  find("invitation").hidden = true;
  clearProblem();
  watch.send(change, canvas);
  update();
});
const game = new Game({
  canvas,
  nameOf,
  ended() {
    showGuesses(null);
    find("invitation").hidden = false;
    update();
  },
});

function update() {
  const isEmpty = canvas.strokes.length === 0;
  find("undo").disabled = isEmpty;
  find("clear").disabled = isEmpty && !canvas.hasPicture;
  find("load-label").hidden = game.isOn;
  find("start").hidden = game.isOn;
  find("skip").hidden = !game.isOn;
}

/** The five best names with bars; an answer of the service, or null for none. */
function showGuesses(answer) {
  shown = answer;
  const guesses = answer?.guesses ?? [];
  find("guesses").replaceChildren(
    ...guesses.map((guess) => {
      const bar = element("i");
      bar.style.setProperty("--share", `${100 * guess.probability}%`);
      return element(
        "li",
        {},
        element("span", { class: "name" }, nameOf(guess.category)),
        element("span", { class: "number" }, smallPercent(guess.probability)),
        element("span", { class: "bar", "aria-hidden": "true" }, bar),
      );
    }),
  );
  const [best] = guesses;
  find("answered").textContent = answer?.model
    ? t("doodle.answered", { model: answer.model, version: answer.model_version })
    : t("doodle.none");
  if (best === undefined) say.textContent = t("doodle.ready");
  else if (best.probability < SURE) say.textContent = t("doodle.unsure");
  else say.textContent = t("doodle.saying", { name: nameOf(best.category) });
  if (best !== undefined) game.guessed(best);
}

async function load(file) {
  if (file.size > LARGEST_IMAGE) {
    showProblem({ code: "TOO_LARGE", message: "" });
    return;
  }
  clearProblem();
  try {
    canvas.clear();
    await canvas.showPicture(file);
    find("invitation").hidden = true;
    say.textContent = t("doodle.looking");
    showGuesses(await ask("/api/doodle/classify", { method: "POST", body: file }));
  } catch (error) {
    showProblem(error);
  }
  update();
}

find("undo").addEventListener("click", () => canvas.undo());
find("clear").addEventListener("click", () => {
  canvas.clear();
  showGuesses(null);
  find("invitation").hidden = false;
  update();
});
find("load").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) load(file);
});
find("skip").addEventListener("click", () => game.skip());
for (const id of ["start", "again"]) {
  find(id).addEventListener("click", async () => {
    clearProblem();
    try {
      game.start(await ask("/api/doodle/categories"));
      find("invitation").hidden = true;
      showGuesses(null);
      update();
      find("canvas").scrollIntoView({ block: "center" });
    } catch (error) {
      showProblem(error);
    }
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    canvas.undo();
  }
});
whenBack(() => watch.again(canvas));
showGuesses(null);
update();
if (language !== "en") {
  names = await (await fetch(`/texts/categories.${language}.json`)).json();
  showGuesses(shown);
}
