// Connect-4: a game against the service, which alone knows the rules.

import { clearProblem, percent, post, showProblem, t, whenBack } from "./page.js";
import { BoardView } from "./connect4_board.js";
import { AnalysisView, exactScores, networkOpinion, outlookText } from "./connect4_analysis.js";
import { Review } from "./connect4_review.js";

const find = (id) => document.getElementById(id);
const say = find("say");
const thinking = find("thinking");
const level = find("level");
const side = find("side");

const view = new BoardView(find("board"), play);
const analysis = new AnalysisView(find("analysis"));
const review = new Review(find("reviewed"), show);

// `moves` are the columns played; `board` is what the service says about them, null before that.
const game = { moves: "", board: null, busy: false, shown: null };
let abort = new AbortController();
let analysing = false;

const COLOURS = { first: () => t("connect4.red"), second: () => t("connect4.yellow") };

/** Give up what is under way; a signal for what comes next. */
function restart() {
  abort.abort();
  abort = new AbortController();
  game.busy = false;
  thinking.textContent = "";
  return abort.signal;
}

/** Go to a position, and on from there. */
async function enter(moves, lastColumn = null) {
  const signal = restart();
  game.shown = null;
  review.close();
  analysis.clear();
  view.mark([]);
  try {
    setBoard(moves, await post("/api/connect4/describe", { moves }, signal), lastColumn);
    await next(signal);
  } catch (error) {
    fail(error);
  }
}

/** The person's move. */
async function play(column) {
  if (game.shown !== null) {
    leaveReview();
    return;
  }
  if (game.board === null || game.busy || isOver()) return;
  if (!game.board.legal_columns.includes(column)) {
    say.textContent = t("connect4.full", { column });
    return;
  }
  const signal = restart();
  const moves = game.moves + column;
  game.busy = true;
  view.mark([]);
  view.wait(column, game.board.side_to_move);
  analysis.clear();
  try {
    setBoard(moves, await post("/api/connect4/describe", { moves }, signal), column);
    game.busy = false;
    await next(signal);
  } catch (error) {
    game.busy = false;
    view.draw(game.board, null);
    fail(error);
  }
}

/** Whoever is to move: the person is invited, the service asked. */
async function next(signal) {
  if (isOver()) {
    announceEnd();
  } else if (game.board.side_to_move === side.value) {
    say.textContent = t("connect4.your_turn", { colour: COLOURS[side.value]() });
    if (analysing) await analyse(signal);
    return;
  } else {
    await reply(signal);
  }
}

/** The service's move. */
async function reply(signal) {
  game.busy = true;
  say.textContent = t("connect4.thinking", { who: t(`connect4.who.${level.value}`) });
  const slowNote = setTimeout(() => {
    thinking.textContent = t("connect4.slow");
  }, 1500);
  try {
    const fields = { moves: game.moves, level: level.value };
    const move = await post("/api/connect4/move", fields, signal);
    setBoard(game.moves + move.column, move.board, move.column, true);
    thinking.textContent = explain(move);
  } finally {
    clearTimeout(slowNote);
    if (!signal.aborted) game.busy = false;
  }
  await next(signal);
}

/** What a move rests on, in words. */
function explain(move) {
  const values = { column: move.column, model: move.model, version: move.model_version };
  if (move.policy) values.share = percent(move.policy[move.column - 1]);
  return t(`connect4.source.${move.source}`, values);
}

function setBoard(moves, board, lastColumn, isAnswer = false) {
  clearProblem();
  game.moves = moves;
  game.board = board;
  view.draw(board, lastColumn, isAnswer);
  history.replaceState(null, "", moves ? `#${moves}` : location.pathname);
  update();
}

function isOver() {
  return game.board.status !== "in progress";
}

function endText() {
  if (game.board.status === "draw") return t("connect4.end.draw");
  const winner = game.board.status === "first player won" ? "first" : "second";
  return t(winner === side.value ? "connect4.end.won" : "connect4.end.lost");
}

function announceEnd() {
  say.textContent = endText();
  update();
}

function update() {
  find("undo").disabled = undone() === null;
  find("review").disabled = game.moves.length === 0;
  find("hint").disabled = isOver();
}

/** The moves before the person's last one; null if there is none to take back. */
function undone() {
  const mine = side.value === "first" ? 0 : 1;
  for (let count = game.moves.length - 1; count >= 0; count -= 1) {
    if (count % 2 === mine) return game.moves.slice(0, count);
  }
  return null;
}

function fail(error) {
  if (error.name !== "AbortError") thinking.textContent = "";
  showProblem(error);
}

/** Exact scores and the network's opinion under the board. */
async function analyse(signal, moves = game.moves, board = game.board) {
  if (board.status !== "in progress") {
    analysis.clear();
    return;
  }
  const person = side.value;
  analysis.begin(board, person);
  const opinion = networkOpinion(moves, signal).then((move) => analysis.showOpinion(move));
  const exact = exactScores(moves, signal).then((found) => analysis.showExact(found));
  try {
    await Promise.all([opinion, exact]);
  } catch (error) {
    fail(error);
  }
}

async function hint() {
  const { signal } = abort;
  thinking.textContent = t("connect4.hint.searching");
  try {
    const found = await exactScores(game.moves, signal);
    if (signal.aborted) return;
    view.mark(found.best_columns);
    const columns = new Intl.ListFormat(document.documentElement.lang).format(
      found.best_columns.map(String),
    );
    const count = found.best_columns.length === 1 ? "one" : "many";
    thinking.textContent = `${t(`connect4.hint.${count}`, { columns })} ${outlookText(found, side.value)}`;
  } catch (error) {
    fail(error);
  }
}

async function share() {
  try {
    await navigator.clipboard.writeText(location.href);
    thinking.textContent = t("connect4.shared");
  } catch {
    // Without https, or without leave, browsers keep the clipboard to themselves.
    thinking.textContent = t("connect4.share_by_hand", { address: location.href });
  }
}

/** Show a position of the review, or the game again for null. */
function show(position) {
  restart();
  if (position === null) {
    game.shown = null;
    view.mark([]);
    analysis.clear();
    view.draw(game.board, null);
    if (isOver()) announceEnd();
    return;
  }
  game.shown = position;
  view.draw(position.board, null);
  view.mark(position.best);
  say.textContent = position.text;
  analyse(abort.signal, position.moves, position.board);
}

function leaveReview() {
  review.close();
  enter(game.moves);
}

find("new").addEventListener("click", () => enter(""));
find("undo").addEventListener("click", () => {
  const moves = undone();
  if (moves !== null) enter(moves);
});
find("hint").addEventListener("click", hint);
find("share").addEventListener("click", share);
find("review").addEventListener("click", () => {
  restart();
  review.start(game.moves, side.value);
});
find("analyse").addEventListener("click", (event) => {
  analysing = !analysing;
  event.currentTarget.setAttribute("aria-pressed", analysing);
  if (!analysing) analysis.clear();
  else if (game.board !== null && !game.busy) analyse(abort.signal);
});
for (const choice of [level, side]) {
  const saved = localStorage.getItem(choice.id);
  if (saved && [...choice.options].some((option) => option.value === saved)) choice.value = saved;
  choice.addEventListener("change", () => {
    localStorage.setItem(choice.id, choice.value);
    if (choice === side && game.board !== null) enter(game.moves);
  });
}
document.addEventListener("keydown", (event) => {
  const inField = event.target.closest("select, input, textarea");
  if (inField || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[1-7]$/.test(event.key)) play(Number(event.key));
});
addEventListener("hashchange", () => {
  if (location.hash.slice(1) !== game.moves) open();
});
whenBack(() => {
  if (game.board === null) open();
  else enter(game.moves);
});

/** The position in the address; whoever opens it plays the side to move. */
async function open() {
  const moves = location.hash.slice(1);
  if (moves && moves.length % 2 !== (side.value === "first" ? 0 : 1)) {
    side.value = moves.length % 2 === 0 ? "first" : "second";
  }
  await enter(moves);
}

open();
