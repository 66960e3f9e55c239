// The board: seven buttons, one a column, drawn as the service describes a position.

import { element, t } from "./page.js";

const COLUMNS = 7;
const ROWS = 6;
const PLAYERS = { 1: "first", 2: "second" };

export class BoardView {
  /** Fill an element with a board; `onPlay` is called with a column, 1 to 7. */
  constructor(root, onPlay) {
    this.root = root;
    this.columns = [];
    for (let number = 1; number <= COLUMNS; number += 1) {
      const cells = Array.from({ length: ROWS }, () => element("span", { class: "cell" }));
      const button = element("button", { type: "button", class: "column", "data-column": number });
      button.append(...cells, element("span", { class: "number", "aria-hidden": "true" }, String(number)));
      button.addEventListener("click", () => onPlay(number));
      root.append(button);
      this.columns.push({ button, cells });
    }
    root.addEventListener("keydown", (event) => this.#move(event));
    this.#focusable(4);
    this.#label();
  }

  /** Draw a position; the disc on top of `lastColumn`, if it is not null, falls into place. */
  draw(board, lastColumn, isAnswer = false) {
    const winning = new Set(board.winning_cells.map((cell) => `${cell.column} ${cell.row}`));
    this.columns.forEach(({ button, cells }, index) => {
      const number = index + 1;
      const stones = board.rows.map((row) => PLAYERS[row[index]] ?? null);
      const top = stones.findIndex((stone) => stone !== null);
      cells.forEach((cell, row) => {
        const stone = stones[row];
        if (stone === null) {
          cell.replaceChildren();
          return;
        }
        let disc = cell.firstElementChild;
        const isLast = number === lastColumn && row === top;
        // What lies there already stays the same element, so that it falls on undisturbed.
        if (disc?.dataset.stone !== stone) {
          disc = element("span", { class: `disc ${stone}`, "data-stone": stone });
          disc.classList.toggle("dropping", isLast);
          disc.classList.toggle("answer", isLast && isAnswer);
          disc.style.setProperty("--rows", row);
          cell.replaceChildren(disc);
        }
        disc.classList.toggle("last", isLast);
        disc.classList.toggle("winning", winning.has(`${number} ${ROWS - row}`));
      });
      const isLegal = board.legal_columns.includes(number);
      button.setAttribute("aria-disabled", !isLegal);
    });
    this.#label(board);
  }

  /** Show at once that a column was chosen: a pale disc above it until the service has answered. */
  wait(column, player) {
    const disc = element("span", { class: `disc waiting ${player}` });
    this.columns[column - 1].cells[0].replaceChildren(disc);
  }

  /** Put a star over some columns. */
  mark(columns) {
    this.columns.forEach(({ button }, index) => {
      button.classList.toggle("best", columns.includes(index + 1));
    });
  }

  #label(board = null) {
    this.columns.forEach(({ button }, index) => {
      const column = index + 1;
      const stones = board === null ? [] : board.rows.map((row) => row[index]).reverse();
      const names = stones
        .filter((stone) => stone in PLAYERS)
        .map((stone) => t(stone === "1" ? "connect4.red" : "connect4.yellow"));
      const content = names.length ? names.join(", ") : t("connect4.empty");
      button.setAttribute("aria-label", `${t("connect4.column", { column })}: ${content}`);
    });
  }

  #move(event) {
    const now = this.columns.findIndex(({ button }) => button === document.activeElement);
    const steps = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: COLUMNS - 1 };
    if (event.key === "ArrowDown" && now >= 0) {
      event.preventDefault();
      this.columns[now].button.click();
    } else if (event.key in steps && now >= 0) {
      event.preventDefault();
      const next = (steps[event.key] + COLUMNS) % COLUMNS;
      this.#focusable(next + 1);
      this.columns[next].button.focus();
    }
  }

  /** The one column that Tab reaches; arrows lead to the others. */
  #focusable(column) {
    this.columns.forEach(({ button }, index) => {
      button.tabIndex = index + 1 === column ? 0 : -1;
    });
  }
}
