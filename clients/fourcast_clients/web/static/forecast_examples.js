// Invented prices: nobody can forecast the first, and only the size of the moves of the second.

const DAYS = 500;
const FIRST_DAY = Date.UTC(2024, 0, 1);
const DAY = 86400000;

/** Numbers in [0, 1) that are the same for the same seed: a linear congruential generator. */
function* numbers(seed) {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** A CSV file of 500 days: "calm" has moves of one size, "stormy" moves that follow their like. */
export function invented(kind) {
  const source = numbers(kind === "calm" ? 7 : 11);
  const next = () => source.next().value;
  // Box and Muller's way to a normal number.
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const rows = ["date,close"];
  let price = 100;
  let variance = 4e-4;
  let move = 0;
  for (let day = 0; day < DAYS; day += 1) {
    const name = new Date(FIRST_DAY + day * DAY).toISOString().slice(0, 10);
    rows.push(`${name},${price.toFixed(4)}`);
    if (kind === "stormy") variance = 2e-5 + 0.12 * move * move + 0.84 * variance; // GARCH(1, 1)
    move = Math.sqrt(variance) * normal();
    price *= Math.exp(move);
  }
  return `${rows.join("\n")}\n`;
}
