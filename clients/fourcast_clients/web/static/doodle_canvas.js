// A sheet of paper: strokes drawn with a pen, a mouse or a finger.

const WIDTH = 560;
const HEIGHT = 420;
const PEN = 5;
const INK = "#171c2c";

export class Canvas {
  /** `onChange` gets each change, in the form that the gateway takes. */
  constructor(element, onChange) {
    this.element = element;
    this.onChange = onChange;
    this.strokes = [];
    this.hasPicture = false;
    this.pen = null;
    this.unsent = [];
    const scale = Math.min(devicePixelRatio || 1, 2);
    element.width = WIDTH * scale;
    element.height = HEIGHT * scale;
    this.context = element.getContext("2d");
    this.context.scale(scale, scale);
    this.#blank();
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      element.addEventListener(name, (event) => this.#up(event));
    }
  }

  /** Take the last stroke back. */
  undo() {
    if (this.strokes.length === 0) return;
    this.#end();
    this.strokes.pop();
    this.#redraw();
    this.onChange({ undo: true });
  }

  /** Wipe the sheet. */
  clear() {
    this.#end();
    const hadStrokes = this.strokes.length > 0;
    this.strokes = [];
    this.hasPicture = false;
    this.#blank();
    if (hadStrokes) this.onChange({ clear: true });
  }

  /** Put a picture on the sheet, as large as it fits. */
  async showPicture(file) {
    const picture = await createImageBitmap(file).catch(() => null);
    // The service says what is wrong with a file that is no picture.
    if (picture === null) return;
    const scale = Math.min(WIDTH / picture.width, HEIGHT / picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    const place = [(WIDTH - width) / 2, (HEIGHT - height) / 2, width, height];
    this.context.drawImage(picture, ...place);
    this.hasPicture = true;
  }

  #down(event) {
    if (this.pen !== null || event.button > 0) return;
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    if (this.hasPicture) this.clear();
    this.pen = event.pointerId;
    const point = this.#point(event);
    this.strokes.push([point]);
    this.#line(point);
    this.onChange({ stroke: [point] });
  }

  #move(event) {
    if (event.pointerId !== this.pen) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) {
      const point = this.#point(one);
      const stroke = this.strokes.at(-1);
      const last = stroke.at(-1);
      if (point[0] === last[0] && point[1] === last[1]) continue;
      stroke.push(point);
      this.#line(last, point);
      // Sent with the next frame, so that a fast pen does not send a message a point.
      if (this.unsent.length === 0) requestAnimationFrame(() => this.flush());
      this.unsent.push(point);
    }
  }

  #up(event) {
    if (event.pointerId === this.pen) this.#end();
  }

  #end() {
    this.flush();
    if (this.pen === null) return;
    this.pen = null;
    this.#redraw(); // each stroke as one line, without the seams of its parts
  }

  /** Tell of the points that were drawn since the last frame. */
  flush() {
    if (this.unsent.length === 0) return;
    const points = this.unsent;
    this.unsent = [];
    this.onChange({ points });
  }

  #point(event) {
    const box = this.element.getBoundingClientRect();
    const within = (value, most) => Math.round(10 * Math.min(Math.max(value, 0), most)) / 10;
    return [
      within(((event.clientX - box.left) * WIDTH) / box.width, WIDTH),
      within(((event.clientY - box.top) * HEIGHT) / box.height, HEIGHT),
    ];
  }

  #line(...points) {
    const pen = this.context;
    pen.lineWidth = PEN;
    pen.lineCap = "round";
    pen.lineJoin = "round";
    pen.strokeStyle = INK;
    pen.beginPath();
    pen.moveTo(...points[0]);
    for (const point of points) pen.lineTo(...point);
    pen.stroke();
  }

  #blank() {
    this.context.fillStyle = "#fff";
    this.context.fillRect(0, 0, WIDTH, HEIGHT);
  }

  #redraw() {
    this.#blank();
    for (const stroke of this.strokes) this.#line(...stroke);
  }
}
