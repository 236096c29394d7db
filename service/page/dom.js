/** Elements, made and found. Text always goes in as text, so nothing that was typed can become markup. */

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * An element with attributes (those that are false or null are left out) and children.
 * @param {string} tag
 * @param {Record<string, any>} attributes
 * @param {...(Node|string)} children
 */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** An element whose style has these custom properties (as attributes they would be against the page's policy). */
export function styled(made, properties) {
  for (const [name, value] of Object.entries(properties)) made.style.setProperty(`--${name}`, String(value));
  return made;
}

/** Shows a message, or hides its place if there is none. */
export function tell(place, message) {
  place.textContent = message;
  place.hidden = !message;
}

/** Calls `action` once nothing has called this for `milliseconds`. */
export function debounced(milliseconds, action) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds, ...values);
  };
}
