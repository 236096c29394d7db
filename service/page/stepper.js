/** Buttons and a slider that go through numbered steps: one forwards, one back, or all in turn. */

import { element } from "./dom.js";
import { say } from "./texts.js";

const PLAYING_MILLISECONDS = 1200;

export class Stepper {
  #timer = 0;
  #count = 1;
  #onStep;

  /** @param {(step: number, playing: boolean) => void} onStep is called with the step, from 0, after every change */
  constructor(onStep) {
    this.#onStep = onStep;
    const button = (key, action) => {
      const made = element("button", { type: "button", class: "quiet", "data-say": key });
      made.addEventListener("click", action);
      return made;
    };
    this.back = button("step.back", () => this.go(this.step - 1));
    this.on = button("step.on", () => this.go(this.step + 1));
    this.play = button("step.play", () => (this.#timer ? this.stop() : this.#start()));
    this.slider = element("input", { type: "range", min: 0, value: 0, "data-say-label": "step.slider" });
    this.slider.addEventListener("input", () => this.go(this.step));
    this.element = element("div", { class: "row stepper" }, this.back, this.slider, this.on, this.play);
  }

  get step() {
    return Number(this.slider.value);
  }

  /** Has so many steps from now on, and stays where it is if that step still exists. */
  reset(count, step = Math.min(this.step, count - 1)) {
    this.#count = Math.max(1, count);
    this.slider.max = this.#count - 1;
    this.#show(step);
  }

  /** Goes to a step, and stops playing. */
  go(step) {
    this.stop();
    this.#show(step);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.play.dataset.say = "step.play";
    this.play.textContent = say("step.play");
  }

  #start() {
    if (this.step === this.#count - 1) this.#show(0);
    this.#timer = setInterval(() => {
      this.#show(this.step + 1);
      if (this.step === this.#count - 1) this.stop();
    }, PLAYING_MILLISECONDS);
    this.play.dataset.say = "step.pause";
    this.play.textContent = say("step.pause");
  }

  #show(step) {
    this.slider.value = Math.max(0, Math.min(step, this.#count - 1));
    this.slider.ariaValueText = say("step.of", { step: this.step + 1, steps: this.#count });
    this.back.ariaDisabled = String(this.step === 0);
    this.on.ariaDisabled = String(this.step === this.#count - 1);
    this.#onStep(this.step, Boolean(this.#timer));
  }
}
