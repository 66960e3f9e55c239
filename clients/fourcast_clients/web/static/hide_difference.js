// What hiding changed in a picture, amplified until one sees it.

const AMPLIFIED = 20;
const GREY = 128; // nothing changed

/** Draw the difference of two files on a canvas; false if this browser cannot read one of them. */
export async function drawDifference(canvas, cover, stego) {
  // As the numbers that are in the files: colours made fit for this screen would differ by themselves.
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const read = (content) => createImageBitmap(content, options).catch(() => null);
  const [before, after] = await Promise.all([read(cover), read(stego)]);
  if (before === null || after === null) return false;
  const { width, height } = after;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pixels = (picture) => {
    context.drawImage(picture, 0, 0);
    return context.getImageData(0, 0, width, height);
  };
  const old = pixels(before).data;
  const difference = pixels(after);
  const { data } = difference;
  for (let index = 0; index < data.length; index += 1) {
    // Each fourth number is the opacity.
    data[index] = index % 4 === 3 ? 255 : GREY + AMPLIFIED * (data[index] - old[index]);
  }
  context.putImageData(difference, 0, 0);
  return true;
}
