// What every page has: its texts, its switches, the service's health, and a place for errors.

const SECONDS_WELL = 5;
const SECONDS_AWAY = 1;
const YEAR = 31536000;

export const language = document.documentElement.lang;
const texts = await (await fetch(`/texts/${language}.json`)).json();
const health = document.getElementById("health");
const problem = document.getElementById("problem");
let state = "";

/** The text of a name, with {placeholders} filled in. */
export function t(name, values = {}) {
  return texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** An element with attributes and children; a text child is only ever text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
export function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A share as whole per cent. */
export function percent(share) {
  return share.toLocaleString(language, { style: "percent", maximumFractionDigits: 0 });
}

/** The same, but a little is not called nothing. */
export function smallPercent(share) {
  return share > 0 && share < 0.005 ? `<${percent(0.01)}` : percent(share);
}

/** Why a request was not answered. */
export class RequestError extends Error {
  constructor({ code, message, field }) {
    super(message);
    // A wrong passphrase is told like a wrong token, with the field's name.
    this.code = field === "passphrase" ? "PASSPHRASE" : code;
  }
}

/** What the gateway answers; throws RequestError, or an AbortError after signal.abort(). */
export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    setHealth("away");
    throw new RequestError({ code: "GATEWAY", message: "" });
  }
  const answer = await response.json();
  if (response.ok) return answer;
  if (answer.error.code === "UNAVAILABLE") setHealth("away");
  throw new RequestError(answer.error);
}

/** The same, with fields to send. */
export function post(path, fields, signal) {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(fields), signal });
}

/** Say what went wrong and what to do; nothing if the call was given up on purpose. */
export function showProblem(error) {
  if (error.name === "AbortError" || error.code === "CANCELLED") return;
  const known = `error.${error.code}` in texts ? `error.${error.code}` : "error.other";
  problem.replaceChildren(element("p", {}, t(known)));
  if (error.message && error.code !== "UNAVAILABLE") {
    // The service speaks English.
    problem.append(element("p", { class: "detail", lang: "en" }, error.message));
  }
  problem.hidden = false;
  // A stream may notice before the next look at the health, and must be told when it is back.
  if (error.code === "UNAVAILABLE") setHealth("away");
  if (!(error instanceof RequestError)) console.error(error);
}

/** Take the last error away. */
export function clearProblem() {
  problem.hidden = true;
}

/** Call a function when the service is there again after it was away. */
export function whenBack(again) {
  document.addEventListener("service-back", again);
}

function setHealth(next) {
  if (next === state) return;
  const wasAway = state === "away";
  state = next;
  health.dataset.state = next;
  health.textContent = t(`health.${next}`);
  if (!wasAway) return;
  clearProblem();
  document.dispatchEvent(new Event("service-back"));
}

async function watchHealth() {
  for (;;) {
    let ready = false;
    if (!document.hidden) {
      try {
        ready = (await (await fetch("/api/health")).json()).ready === true;
      } catch {
        // The gateway itself is away.
      }
      setHealth(ready ? "ready" : "away");
    }
    const seconds = state === "away" ? SECONDS_AWAY : SECONDS_WELL;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
}

document.getElementById("language").addEventListener("click", (event) => {
  remember("language", event.currentTarget.lang);
  location.reload();
});

document.getElementById("theme").addEventListener("click", () => {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const root = document.documentElement;
  const now = root.dataset.theme === "system" ? (isDark ? "dark" : "light") : root.dataset.theme;
  root.dataset.theme = now === "dark" ? "light" : "dark";
  remember("theme", root.dataset.theme);
});

watchHealth();
