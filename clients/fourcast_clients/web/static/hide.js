// Texts hidden in pictures, and found again.

import { clearProblem, language, post, showProblem, t, whenBack } from "./page.js";
import { base64Of, pictureOf, takeFiles } from "./files.js";
import { drawDifference } from "./hide_difference.js";

const LARGEST_IMAGE = 3 << 20; // bytes
const find = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat(language);
const bytesOf = (text) => new TextEncoder().encode(text).length;

let cover = null; // { file, width, height }
let stego = null; // a file
let available = null; // bytes
let asked = 0;

function isTooLarge(file) {
  if (file.size <= LARGEST_IMAGE) return false;
  showProblem({ code: "TOO_LARGE", message: "" });
  return true;
}

async function takeCover(file) {
  clearProblem();
  if (isTooLarge(file)) return;
  const picture = await createImageBitmap(file).catch(() => null);
  cover = { file, width: picture?.width ?? null, height: picture?.height ?? null };
  find("cover-name").textContent = file.name;
  await measure();
}

/** Ask how much the picture holds: whenever the picture, the profile or the encryption changes. */
async function measure() {
  asked += 1;
  const mine = asked;
  available = null;
  if (cover !== null && cover.width !== null) {
    const fields = {
      width: cover.width,
      height: cover.height,
      profile: find("profile").value,
      encrypted: find("passphrase").value !== "",
    };
    try {
      const found = await post("/api/stego/capacity", fields);
      if (mine !== asked) return;
      available = found.bytes_available;
    } catch (error) {
      showProblem(error);
    }
  }
  showRoom();
}

function showRoom() {
  if (available === null) {
    find("room-text").textContent = t("hide.room_unknown");
    return;
  }
  const used = bytesOf(find("text").value);
  const values = { used: whole.format(used), available: whole.format(available) };
  find("room-text").textContent = t("hide.room", values);
  find("room").value = available === 0 ? 1 : Math.min(used / available, 1);
}

async function hide() {
  clearProblem();
  const status = find("hide-status");
  if (cover === null || find("text").value === "") {
    status.textContent = t(cover === null ? "hide.no_picture" : "hide.no_text");
    return;
  }
  status.textContent = t("hide.hiding");
  find("hide-button").disabled = true;
  try {
    const hidden = await post("/api/stego/hide", {
      image: await base64Of(cover.file),
      text: find("text").value,
      profile: find("profile").value,
      passphrase: find("passphrase").value,
    });
    status.textContent = t("hide.hidden");
    await show(hidden);
  } catch (error) {
    status.textContent = "";
    showProblem(error);
  }
  find("hide-button").disabled = false;
}

function decimals(value, digits) {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

async function show(hidden) {
  find("psnr").textContent = t("hide.psnr", { psnr: decimals(hidden.psnr_db, 1) });
  const words = [t("hide.figures", { ssim: decimals(hidden.ssim, 4) })];
  if (hidden.survives_jpeg) words.push(t("hide.survives"));
  find("figures").textContent = words.join(" ");
  const picture = pictureOf(hidden.image);
  for (const name of ["given", "hidden"]) URL.revokeObjectURL(find(name).src);
  find("given").src = URL.createObjectURL(cover.file);
  find("hidden").src = find("download").href = URL.createObjectURL(picture);
  const drawn = await drawDifference(find("difference"), cover.file, picture);
  find("change").hidden = !drawn;
  find("result").hidden = false;
  find("result-heading").focus();
}

async function reveal() {
  clearProblem();
  const status = find("reveal-status");
  find("revealed").hidden = true;
  if (stego === null) {
    status.textContent = t("hide.no_picture");
    return;
  }
  status.textContent = t("hide.revealing");
  find("reveal-button").disabled = true;
  try {
    const fields = { image: await base64Of(stego), passphrase: find("reveal-passphrase").value };
    const found = await post("/api/stego/reveal", fields);
    status.textContent = t("hide.revealed", { bits: whole.format(found.corrected_bits) });
    find("revealed").textContent = found.text;
    find("revealed").hidden = false;
  } catch (error) {
    status.textContent = "";
    showProblem(error);
  }
  find("reveal-button").disabled = false;
}

takeFiles(find("cover"), find("cover-drop"), takeCover);
takeFiles(find("stego"), find("stego-drop"), (file) => {
  clearProblem();
  if (isTooLarge(file)) return;
  stego = file;
  find("stego-name").textContent = file.name;
});
find("text").addEventListener("input", showRoom);
find("profile").addEventListener("change", measure);
find("passphrase").addEventListener("change", measure);
find("hide-form").addEventListener("submit", (event) => {
  event.preventDefault();
  hide();
});
find("reveal-form").addEventListener("submit", (event) => {
  event.preventDefault();
  reveal();
});
whenBack(measure);
