// Forecasts of daily prices: a fan of intervals, and what such forecasts were worth.

import { RequestError, ask, clearProblem, element, language, post, showProblem, t, whenBack } from "./page.js";
import { takeFiles } from "./files.js";
import { fanChart } from "./forecast_chart.js";
import { invented } from "./forecast_examples.js";

const find = (id) => document.getElementById(id);
const figure = new Intl.NumberFormat(language, { maximumSignificantDigits: 4 });
const exactly = (digits) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });
const ratio = new Intl.NumberFormat(language, exactly(3));
const share = new Intl.NumberFormat(language, { style: "percent", ...exactly(1) });

let csv = null;
let abort = new AbortController();

function take(text, name) {
  clearProblem();
  csv = text;
  const rows = text.split("\n").filter((line) => line.trim() !== "").length - 1;
  find("status").textContent = t("forecast.loaded", { name, rows });
  find("predict").disabled = false;
  find("backtest").disabled = false;
}

function options() {
  return { csv, model: find("model").value, horizon: Number(find("horizon").value) };
}

function restart() {
  abort.abort();
  abort = new AbortController();
  clearProblem();
  return abort.signal;
}

async function predict() {
  const signal = restart();
  find("status").textContent = t("forecast.working");
  try {
    const found = await post("/api/forecast/predict", options(), signal);
    find("status").textContent = "";
    find("verdicts").replaceChildren(...found.verdicts.map((one) => verdict(one)));
    find("answered").textContent = t("forecast.answered", {
      model: found.model,
      version: found.model_version,
      until: found.trained_until,
    });
    find("forecast").hidden = false;
    find("fan").replaceChildren(fanChart(found, find("fan").clientWidth));
  } catch (error) {
    fail(error);
  }
}

function verdict(one) {
  const values = { ahead: one.ahead, days: one.days, p: figure.format(one.p_value) };
  const words = [t(`forecast.verdict.${one.outcome}`, values)];
  if (one.outcome !== "too few days") words.push(t(`forecast.unseen.${one.unseen}`));
  return element("li", { class: one.outcome.replaceAll(" ", "-") }, words.join(" "));
}

async function backtest() {
  const signal = restart();
  const bar = find("progress");
  bar.value = 0;
  bar.hidden = find("stop").hidden = false;
  find("status").textContent = t("forecast.working");
  try {
    const fields = { ...options(), days: Number(find("days").value) };
    for await (const event of events("/api/forecast/backtest", fields, signal)) {
      if (event.error) throw new RequestError(event.error);
      if (event.result) {
        showScores(event.result);
        find("status").textContent = "";
      } else {
        bar.value = event.done / event.total;
        find("status").textContent = t("forecast.testing", event);
      }
    }
  } catch (error) {
    fail(error);
  }
  bar.hidden = find("stop").hidden = true;
}

/** The server-sent events that answer a POST. */
async function* events(path, fields, signal) {
  const headers = { "Content-Type": "application/json" };
  const options = { method: "POST", headers, body: JSON.stringify(fields), signal };
  const response = await fetch(path, options).catch((error) => {
    throw error.name === "AbortError" ? error : new RequestError({ code: "GATEWAY", message: "" });
  });
  if (!response.ok) throw new RequestError((await response.json()).error);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    for (const part of parts) yield JSON.parse(part.slice("data: ".length));
  }
}

function showScores(result) {
  find("seen").textContent = t("forecast.answered", {
    model: result.model,
    version: result.model_version,
    until: result.trained_until,
  });
  if (result.seen_days !== 0) {
    find("seen").textContent += ` ${t(`forecast.unseen.${result.seen_days === null ? "null" : "false"}`)}`;
  }
  find("scores").replaceChildren(
    ...result.scores.map((score) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, element("code", {}, score.forecast)),
        element("td", { class: "number" }, String(score.ahead)),
        element("td", { class: "number" }, figure.format(score.mean_absolute_error)),
        element("td", { class: "number" }, ratio.format(score.ratio)),
        element("td", {}, score.forecast === "naive" ? "–" : t(`forecast.outcome.${score.outcome}`)),
        element("td", { class: "number" }, "80" in score.coverage ? share.format(score.coverage["80"]) : "–"),
      ),
    ),
  );
  find("tested").hidden = false;
}

function fail(error) {
  find("status").textContent = error.name === "AbortError" ? t("forecast.stopped") : "";
  showProblem(error);
}

async function listModels() {
  try {
    const names = (await ask("/api/models")).map((model) => model.name);
    const own = names.filter((name) => name.startsWith("forecast_"));
    find("model").replaceChildren(...own.map((name) => element("option", { value: name }, name)));
    if (own.includes("forecast_lstm")) find("model").value = "forecast_lstm";
  } catch (error) {
    showProblem(error);
  }
}

takeFiles(find("csv"), find("csv-drop"), async (file) => {
  find("csv-name").textContent = file.name;
  take(await file.text(), file.name);
});
for (const kind of ["calm", "stormy"]) {
  const button = find(`example-${kind}`);
  button.addEventListener("click", () => take(invented(kind), button.textContent));
}
find("predict").addEventListener("click", predict);
find("backtest").addEventListener("click", backtest);
find("stop").addEventListener("click", () => abort.abort());
whenBack(() => {
  if (find("model").options.length === 0) listModels();
});
await listModels();
