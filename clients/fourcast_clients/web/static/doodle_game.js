// "Draw this": some words, a clock, and in the end all drawings with what the network saw.

import { drawing, element, t } from "./page.js";

const ROUNDS = 6;
const SECONDS = 20;
const PAUSE = 1200; // milliseconds in which one sees that it was right

const find = (id) => document.getElementById(id);

export class Game {
  /** `canvas` is drawn on, `nameOf` says a category in words, `ended` is called after each end. */
  constructor({ canvas, nameOf, ended }) {
    this.canvas = canvas;
    this.nameOf = nameOf;
    this.ended = ended;
    this.isOn = false;
  }

  /** Begin; words are drawn from all categories. */
  start(categories) {
    const pool = [...categories];
    this.words = Array.from({ length: ROUNDS }, () => {
      const [word] = pool.splice(Math.floor(Math.random() * pool.length), 1);
      return word;
    });
    this.rounds = [];
    this.isOn = true;
    find("result").hidden = true;
    find("task").hidden = false;
    this.#next();
  }

  /** Take a guess in; the word itself ends the round. */
  guessed(best) {
    if (!this.isOn || this.isPausing) return;
    this.seen = best;
    if (best.category === this.word) this.#finish(true);
  }

  /** On to the next word. */
  skip() {
    if (this.isOn && !this.isPausing) this.#finish(false);
  }

  #next() {
    this.word = this.words[this.rounds.length];
    this.seen = null;
    this.isPausing = false;
    this.canvas.clear();
    find("word").textContent = t("doodle.draw", { name: this.nameOf(this.word) });
    find("round").textContent = t("doodle.round", { round: this.rounds.length + 1, all: ROUNDS });
    this.started = performance.now();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.#tick(), 200);
    this.#tick();
  }

  #tick() {
    const left = SECONDS - (performance.now() - this.started) / 1000;
    find("seconds").textContent = t("doodle.seconds", { seconds: Math.max(Math.ceil(left), 0) });
    if (left <= 0) this.#finish(false);
  }

  #finish(isRight) {
    clearInterval(this.timer);
    this.isPausing = true;
    this.rounds.push({
      word: this.word,
      isRight,
      seen: this.seen,
      seconds: (performance.now() - this.started) / 1000,
      strokes: this.canvas.strokes,
    });
    if (isRight) find("say").textContent = t("doodle.right", { name: this.nameOf(this.word) });
    const isLast = this.rounds.length === ROUNDS;
    setTimeout(() => (isLast ? this.#result() : this.#next()), isRight ? PAUSE : 0);
  }

  #result() {
    this.isOn = false;
    this.canvas.clear();
    find("task").hidden = true;
    find("result").hidden = false;
    const right = this.rounds.filter((round) => round.isRight).length;
    find("score").textContent = t("doodle.score", { right, all: ROUNDS });
    find("drawings").replaceChildren(...this.rounds.map((round) => this.#drawn(round)));
    find("result-heading").focus();
    this.ended();
  }

  #drawn({ word, isRight, seen, seconds, strokes }) {
    const lines = strokes.map((points) => {
      const [first, ...others] = points;
      return `M${first} ${others.map((point) => `L${point}`).join("") || "h0"}`;
    });
    const picture = drawing("svg", { viewBox: "0 0 560 420", "aria-hidden": "true" });
    picture.append(drawing("path", { d: lines.join("") }));
    const outcome = isRight
      ? t("doodle.result.right", { seconds: seconds.toFixed(0) })
      : seen === null
        ? t("doodle.result.nothing")
        : t("doodle.result.wrong", { name: this.nameOf(seen.category) });
    const words = element("div", {}, element("strong", {}, this.nameOf(word)));
    const mark = isRight ? "✓ " : "✗ ";
    words.append(element("span", { class: isRight ? "seen" : "missed" }, mark + outcome));
    return element("li", {}, picture, words);
  }
}
