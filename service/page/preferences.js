// Before anything is drawn: what was chosen on an earlier visit. A blocked storage only means that nothing is kept.
"use strict";

/** A value that outlives the page; without a second argument it is read, with null it is forgotten. */
function preference(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else if (value !== undefined) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

{
  const theme = preference("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  const language = preference("language") || navigator.languages.find((tag) => /^(en|ko)\b/.test(tag)) || "en";
  document.documentElement.lang = language.slice(0, 2) === "ko" ? "ko" : "en";
}
