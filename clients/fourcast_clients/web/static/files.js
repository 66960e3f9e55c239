// Files that a person chooses or drops.

/** Have a file chosen through an input, or dropped onto its label, handed to a function. */
export function takeFiles(input, label, take) {
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file) take(file);
  });
  for (const name of ["dragenter", "dragover"]) {
    label.addEventListener(name, (event) => {
      event.preventDefault();
      label.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    label.addEventListener(name, () => label.classList.remove("over"));
  }
  label.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
}

/** A file's content as base64. */
export function base64Of(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.split(",")[1] ?? ""));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

/** The other way: a PNG file from base64. */
export function pictureOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
}
