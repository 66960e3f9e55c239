// What is under the board: the exact score of every column, and what the network thinks.

import { element, percent, post, t } from "./page.js";

const known = new Map();

/** The exact scores of a position; asked for once. */
export async function exactScores(moves, signal) {
  if (!known.has(moves)) {
    known.set(moves, await post("/api/connect4/analyze", { moves }, signal));
  }
  return known.get(moves);
}

/** What the network would play, with its policy and value. */
export function networkOpinion(moves, signal) {
  return post("/api/connect4/move", { moves, level: "network" }, signal);
}

/** How a position ends under perfect play, in words, for the person who plays `person`. */
export function outlookText(analysis, person) {
  const mine = analysis.board.side_to_move === person;
  const { outcome, distance } = analysis;
  if (outcome === "draw") return t("connect4.outlook.draw");
  const wins = (outcome === "win") === mine;
  const moves = Math.ceil(distance / 2);
  if (moves === 1) return t(wins ? "connect4.outlook.win.now" : "connect4.outlook.loss.now");
  return t(wins ? "connect4.outlook.win" : "connect4.outlook.loss", { moves });
}

/** A score with its sign. */
export function scoreText(score) {
  return score > 0 ? `+${score}` : String(score).replace("-", "−");
}

function scoreClass(score) {
  return score > 0 ? "win" : score < 0 ? "loss" : "";
}

export class AnalysisView {
  constructor(root) {
    this.root = root;
    this.timer = null;
  }

  /** Take everything away. */
  clear() {
    clearInterval(this.timer);
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  /** Make room for a position's answers, which come one after the other. */
  begin(board, person) {
    this.clear();
    this.person = person;
    this.isMine = board.side_to_move === person;
    this.exactCells = this.#cells(board, () => "…");
    this.opinionCells = this.#cells(board, () => "");
    this.exactHead = element("th", { colspan: 7, scope: "rowgroup" });
    const opinionHead = element("th", { colspan: 7, scope: "rowgroup" });
    opinionHead.append(t("connect4.analysis.network"));
    this.outlook = element("div", { class: "outlook", hidden: "" });
    this.keyline = element("p", { class: "keyline" });
    this.root.append(
      element(
        "table",
        {},
        element("tbody", {}, element("tr", {}, this.exactHead), element("tr", {}, ...this.exactCells)),
        element("tbody", {}, element("tr", {}, opinionHead), element("tr", {}, ...this.opinionCells)),
      ),
      this.outlook,
      this.keyline,
    );
    this.root.hidden = false;
    this.#count();
  }

  /** Show the exact scores. */
  showExact(analysis) {
    clearInterval(this.timer);
    this.exactHead.textContent = `${t("connect4.analysis.exact")} ${outlookText(analysis, this.person)}`;
    analysis.scores.forEach((score, index) => {
      const cell = this.exactCells[index];
      if (score === null) {
        cell.textContent = "·";
        return;
      }
      cell.textContent = scoreText(score);
      const isBest = analysis.best_columns.includes(index + 1);
      cell.className = `${scoreClass(score)}${isBest ? " top" : ""}`;
    });
  }

  /** Show the network's policy and value. */
  showOpinion(move) {
    move.policy.forEach((share, index) => {
      const fill = element("i");
      fill.style.setProperty("--share", `${100 * share}%`);
      const text = element("span", { class: "share" }, percent(share));
      this.opinionCells[index].replaceChildren(element("span", { class: "pillar" }, fill), text);
    });
    const { win, draw, loss } = move.value;
    const shares = {
      mine: this.isMine ? win : loss,
      draw,
      theirs: this.isMine ? loss : win,
    };
    for (const [name, share] of Object.entries(shares)) {
      const part = element("span", { class: name }, share >= 0.12 ? percent(share) : "");
      part.style.setProperty("--share", share);
      this.outlook.append(part);
    }
    const parts = Object.entries(shares).map(([name, share]) =>
      element("span", {}, `${t(`connect4.value.${name}`)} ${percent(share)}`),
    );
    this.outlook.setAttribute("aria-hidden", "true");
    this.outlook.hidden = false;
    this.keyline.replaceChildren(...parts);
  }

  #cells(board, content) {
    return board.rows[0].split("").map((_, index) => element("td", {}, content(index)));
  }

  #count() {
    const start = performance.now();
    const tell = () => {
      const seconds = Math.round((performance.now() - start) / 1000);
      this.exactHead.textContent = t("connect4.analysis.searching", { seconds });
    };
    tell();
    this.timer = setInterval(tell, 1000);
  }
}
