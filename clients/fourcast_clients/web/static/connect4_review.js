// The review of a game: every move beside the best one, the last moves first, which are quickest.

import { drawing, element, showProblem, t } from "./page.js";
import { exactScores, scoreText } from "./connect4_analysis.js";

const MARKS = { best: "✓", slower: "○", mistake: "?", blunder: "??" };
const HIGHEST = 18;

/** What a move did to its side's prospects. */
export function judge(played, best) {
  if (played === best) return "best";
  if (Math.sign(played) === Math.sign(best)) return "slower";
  return best > 0 && played < 0 ? "blunder" : "mistake";
}

export class Review {
  /** `show` is called with a position to look at, and with null at the end. */
  constructor(root, show) {
    this.root = root;
    this.show = show;
    this.abort = new AbortController();
    this.list = root.querySelector("#moves");
    this.chart = root.querySelector("#chart");
    this.progress = root.querySelector("#review-progress");
    this.summary = root.querySelector("#review-summary");
    this.stop = root.querySelector("#review-stop");
    this.back = root.querySelector("#review-back");
    this.stop.addEventListener("click", () => this.abort.abort());
    this.back.addEventListener("click", () => {
      this.back.hidden = true;
      this.show(null);
    });
  }

  /** Stop, and take the review away. */
  close() {
    this.abort.abort();
    this.root.hidden = true;
  }

  /** Look at a game; `person` is the side whose mistakes are counted. */
  async start(moves, person) {
    this.abort.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.moves = moves;
    this.person = person;
    this.verdicts = new Array(moves.length).fill(null);
    this.root.hidden = false;
    this.stop.hidden = false;
    this.back.hidden = true;
    this.list.replaceChildren(...this.verdicts.map((verdict, ply) => this.#row(verdict, ply)));
    this.#sum();
    try {
      for (let ply = moves.length - 1; ply >= 0; ply -= 1) {
        const done = moves.length - 1 - ply;
        this.progress.textContent = t("connect4.review.progress", { done, all: moves.length });
        const analysis = await exactScores(moves.slice(0, ply), signal);
        this.verdicts[ply] = this.#verdict(ply, analysis);
        this.list.children[ply].replaceWith(this.#row(this.verdicts[ply], ply));
        this.#sum();
      }
      this.progress.textContent = "";
    } catch (error) {
      const left = this.verdicts.filter((verdict) => verdict === null).length;
      this.progress.textContent = t("connect4.review.stopped", { left });
      showProblem(error);
    }
    this.stop.hidden = true;
  }

  #verdict(ply, analysis) {
    const column = Number(this.moves[ply]);
    const score = analysis.scores[column - 1];
    const kind = judge(score, analysis.score);
    const player = ply % 2 === 0 ? "first" : "second";
    return { kind, score, best: analysis.best_columns, bestScore: analysis.score, player, analysis };
  }

  #sum() {
    this.chart.replaceChildren(this.#bars());
    const mine = this.verdicts.filter((verdict) => verdict?.player === this.person);
    const count = (...kinds) => mine.filter((verdict) => kinds.includes(verdict.kind)).length;
    this.summary.textContent = t("connect4.review.summary", {
      moves: mine.length,
      best: count("best"),
      slower: count("slower"),
      mistakes: count("mistake", "blunder"),
    });
  }

  #row(verdict, ply) {
    const text = t("connect4.review.move", { number: ply + 1, column: this.moves[ply] });
    const colour = t(ply % 2 === 0 ? "connect4.red" : "connect4.yellow");
    const button = element("button", { type: "button" }, `${text}, ${colour}`);
    const note = verdict === null ? "…" : `${MARKS[verdict.kind]} ${this.#words(verdict)}`;
    button.append(element("small", {}, note));
    button.disabled = verdict === null;
    button.addEventListener("click", () => this.#open(verdict, ply, text));
    return element("li", { class: verdict?.kind }, button);
  }

  #words(verdict) {
    return t(`connect4.review.${verdict.kind}`, {
      columns: verdict.best.join(", "),
      score: scoreText(verdict.score),
      best: scoreText(verdict.bestScore),
    });
  }

  #open(verdict, ply, text) {
    this.show({
      moves: this.moves.slice(0, ply),
      board: verdict.analysis.board,
      best: verdict.best,
      text: `${text}: ${this.#words(verdict)}`,
    });
    this.back.hidden = false;
  }

  /** The exact score before each move: upwards good for the first player. */
  #bars() {
    const width = 100 / Math.max(this.moves.length, 1);
    const bars = this.verdicts.flatMap((verdict, ply) => {
      if (verdict === null) return [];
      const score = verdict.player === "first" ? verdict.bestScore : -verdict.bestScore;
      const height = Math.max(Math.abs(score) * (48 / HIGHEST), 0.8);
      const box = { x: ply * width + width * 0.1, width: width * 0.8, height };
      const name = score >= 0 ? "one" : "two";
      return [drawing("rect", { ...box, y: score >= 0 ? 50 - height : 50, class: name })];
    });
    const line = drawing("line", { x1: 0, x2: 100, y1: 50, y2: 50, class: "zero" });
    const attributes = { viewBox: "0 0 100 100", preserveAspectRatio: "none", class: "chart" };
    const label = { role: "img", "aria-label": t("connect4.review.chart") };
    return drawing("svg", { ...attributes, ...label }, ...bars, line);
  }
}
