// What the service offers, and how quickly it answered lately.

import { ask, element, language, showProblem, t, whenBack } from "./page.js";

const CALLS_EVERY = 3000; // milliseconds
const find = (id) => document.getElementById(id);
const SHOWN = 4; // figures of a model that stand there at once; the others unfold
const SMALL = 1e-4; // below, figures are written with a power of ten
const plain = new Intl.NumberFormat(language, { maximumSignificantDigits: 4 });
const tiny = new Intl.NumberFormat(language, {
  notation: "scientific",
  maximumSignificantDigits: 3,
});
const milliseconds = new Intl.NumberFormat(language, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

async function showModels() {
  try {
    const { server } = await ask("/api/health");
    find("server").textContent = t("models.server", { server });
    const models = await ask("/api/models");
    find("models").replaceChildren(...models.map(modelCard));
  } catch (error) {
    showProblem(error);
  }
}

function modelCard(model) {
  const ready = model.versions.filter((version) => version.state === "ready");
  const heading = element("h2", { id: `model-${model.name}` }, model.name);
  const state = element(
    "p",
    { class: ready.length ? "state" : "state not" },
    ready.length
      ? t("models.serves", { versions: ready.map((version) => version.number).join(", ") })
      : t("models.serves_not"),
  );
  const made = element("article", { class: "model", "aria-labelledby": heading.id });
  made.append(element("header", {}, heading, state));
  if (ready.length) made.append(...details(ready[0]));
  for (const version of model.versions.filter((one) => one.state !== "ready")) {
    const number = version.number || "?";
    made.append(
      element("p", {}, t("models.not_ready", { number, state: t(`models.state.${version.state}`) }),
        " ", element("span", { lang: "en" }, version.reason)),
    );
  }
  made.append(card(model.name));
  return made;
}

function details(version) {
  const metrics = Object.entries(version.metrics).map(([name, value]) =>
    element(
      "div",
      {},
      element("dt", {}, name.replaceAll("_", " ")),
      element("dd", {}, (value !== 0 && Math.abs(value) < SMALL ? tiny : plain).format(value)),
    ),
  );
  const parts = [];
  const list = (some) => element("dl", { class: "metrics" }, ...some);
  if (metrics.length) parts.push(list(metrics.slice(0, SHOWN)));
  if (metrics.length > SHOWN) {
    const more = t("models.more", { count: metrics.length - SHOWN });
    parts.push(element("details", {}, element("summary", {}, more), list(metrics.slice(SHOWN))));
  }
  const runs = element("p", { class: "hint" }, t("models.runs_on", { provider: version.provider }));
  if (version.command) {
    runs.append(" ", t("models.made_by"), " ", element("code", {}, version.command));
  }
  if (version.commit) {
    runs.append(" ", t("models.commit"), " ", element("code", {}, version.commit.slice(0, 10)));
  }
  return [...parts, runs];
}

function card(name) {
  const text = element("div", { class: "card" });
  const made = element("details", {}, element("summary", {}, t("models.card", { name })), text);
  made.addEventListener("toggle", async () => {
    if (!made.open || text.hasChildNodes()) return;
    text.textContent = t("models.loading");
    try {
      const found = await ask(`/api/models/${encodeURIComponent(name)}/card?language=${language}`);
      text.lang = found.language;
      // The gateway rendered it from Markdown, in which HTML is only text.
      text.innerHTML = found.html;
      for (const table of text.querySelectorAll("table")) {
        const frame = element("div", { class: "wide", tabindex: 0, role: "group", "aria-label": t("models.table") });
        table.replaceWith(frame);
        frame.append(table);
      }
    } catch (error) {
      text.replaceChildren();
      showProblem(error);
    }
  });
  return made;
}

async function showCalls() {
  if (document.hidden) return;
  try {
    const calls = await ask("/api/calls");
    find("calls").replaceChildren(
      ...calls.map((call) => {
        const time = (value) => (value === null ? "–" : `${milliseconds.format(value)} ms`);
        const cells = [call.count, call.failed, time(call.last), time(call.median), time(call.slowest)];
        return element(
          "tr",
          {},
          element("th", { scope: "row" }, element("code", {}, call.name)),
          ...cells.map((cell) => element("td", { class: "number" }, String(cell))),
        );
      }),
    );
  } catch {
    // The health mark already says so.
  }
}

await showModels();
await showCalls();
setInterval(showCalls, CALLS_EVERY);
whenBack(showModels);
