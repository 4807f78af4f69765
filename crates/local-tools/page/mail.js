// A mail as a campaign of docs/campaigns would make it.

import { fold, make, pre } from "./dom.js";

/** The sandbox runs no script and loads nothing: the mail has names and texts of customers in it. */
const page = (html, subject) => make("iframe", { sandbox: "", srcdoc: html, title: `Mail: ${subject}` });

export const mailCard = ({ recipe, mail, page: document, when, subject, html, text, notes, error }) =>
  make("section", { class: "card", "aria-label": `Mail ${mail} of ${recipe}` },
    make("h4", {}, subject ?? mail, make("small", {}, ` ${recipe}, ${when}`)),
    make("p", { class: "quiet" }, make("code", {}, document)),
    error && make("p", { class: "bad" }, error),
    notes.map((it) => make("p", { class: "quiet" }, it)),
    html && fold("The mail", page(html, subject)),
    text && fold("As text", pre(`Mail ${mail} as text`, text)));
