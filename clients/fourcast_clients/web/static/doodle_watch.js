// The canvas as the service sees it: changes one way, guesses the other, over one WebSocket.

import { RequestError } from "./page.js";

const PART = 1000; // points a message; the gateway takes messages of 64 KiB

export class Watch {
  /** `onGuesses` gets each answer, `onProblem` what went wrong. */
  constructor(onGuesses, onProblem) {
    this.onGuesses = onGuesses;
    this.onProblem = onProblem;
    this.socket = null;
    this.isOpen = false;
  }

  /** Tell of a change of a canvas. */
  send(change, canvas) {
    if (this.socket?.readyState === WebSocket.OPEN && this.isOpen) this.#pass(change);
    // While it is connecting or closing nothing is sent: it begins with the whole canvas.
    else if (this.socket === null) this.#connect(canvas);
  }

  /** Go on after the service was away. */
  again(canvas) {
    if (canvas.strokes.length > 0 && this.socket === null) this.#connect(canvas);
  }

  #connect(canvas) {
    const address = new URL("/api/doodle/watch", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.socket = socket;
    this.sent = 0;
    this.wiped = 0;
    let isRefused = false;
    socket.addEventListener("open", () => {
      canvas.flush(); // into the canvas alone: nothing is sent yet
      this.isOpen = true;
      this.#sendAll(canvas.strokes);
    });
    socket.addEventListener("message", (event) => {
      const answer = JSON.parse(event.data);
      if (answer.error) {
        isRefused = true;
        this.onProblem(new RequestError(answer.error));
      } else if (answer.changes >= this.wiped) {
        // Otherwise it is about what was there before the sheet was wiped.
        this.onGuesses(answer);
      }
    });
    socket.addEventListener("close", () => {
      this.socket = null;
      this.isOpen = false;
      if (!isRefused) this.onProblem(new RequestError({ code: "UNAVAILABLE", message: "" }));
    });
  }

  #sendAll(strokes) {
    for (const stroke of strokes) {
      this.#pass({ stroke: stroke.slice(0, PART) });
      for (let start = PART; start < stroke.length; start += PART) {
        this.#pass({ points: stroke.slice(start, start + PART) });
      }
    }
  }

  #pass(change) {
    this.sent += 1;
    if (change.clear) this.wiped = this.sent;
    this.socket.send(JSON.stringify(change));
  }
}
