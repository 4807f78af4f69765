// What the local Customer.io knows of people.

import { get, onState } from "./api.js";
import { fill, fold, link, make, refiller, table } from "./dom.js";
import { moment, shown, time } from "./format.js";
import { attributesTable, changesTable } from "./changes.js";

export async function all(signal) {
  const text = make("input", { type: "search", id: "who", "aria-label": "Search people", placeholder: "Search" });
  const content = make("div", {});
  const draw = async () => fill(content, peopleTable(await get("people", { text: text.value, limit: 500 })));
  text.addEventListener("input", draw);
  onState(signal, draw);
  await draw();
  return { title: "People", content: [make("h2", {}, "What Customer.io knows"), text, content] };
}

function peopleTable({ people, total }) {
  if (people.length === 0) return make("p", { class: "quiet" }, total ? `Nobody of ${total}.` : "Nobody yet.");
  return table("People", ["person", "name", "events", "last change"], people.map((it) => [
    link(it.email ?? it.id ?? it.cio_id, `#/people/${it.cio_id}`),
    it.name ?? "",
    String(it.events),
    it.last ? time(it.last) : "",
  ]));
}

export async function one(signal, id) {
  const content = make("div", { class: "stack" });
  const refill = refiller(content, shownPerson);
  const draw = async () => refill(await get(`people/${id}`));
  onState(signal, draw);
  await draw();
  return { title: "Person", content: [make("p", { class: "bar" }, link("All people", "#/people")), content] };
}

function shownPerson({ id, email, cio_id: cioId, attributes, relationships, timeline }) {
  const all = Object.fromEntries(attributes.map(({ name, value }) => [name, value]));
  const row = ({ name, value, updated }) => [name, shown(name, value, all), updated ? moment(updated * 1000) : ""];
  return [
    make("h2", {}, email ?? id ?? cioId),
    make("p", { class: "quiet" }, [id && `id ${id}`, email && `email ${email}`].filter(Boolean).join(" · ")),
    table("Attributes", ["attribute", "value", "as of"], attributes.map(row)),
    relationships.map(object),
    make("h3", {}, "Timeline"),
    make("ol", { class: "steps" }, timeline.map(entryItem)),
  ];
}

const object = ({ type, id, attributes }) =>
  fold(`Object ${id} of type ${type}`, attributesTable(`Object ${id}`, attributes));

/** One entry of the timeline. */
function entryItem(entry) {
  const { kind, at, webhook, name, attributes } = entry;
  const title = kind === "event" ? `Event "${name}"` : KINDS[kind] ?? kind;
  return make("li", { class: kind === "event" ? "good" : "" },
    make("h4", {}, title, " ", time(at), " ", webhook && link(`webhook ${webhook}`, `#/webhooks/${webhook}`)),
    kind === "event" && fold("Attributes", attributesTable(title, attributes)),
    kind === "attributes" && changesTable("Changed", attributes),
    entry.with && make("p", {}, JSON.stringify(entry.with)));
}

const KINDS = {
  attributes: "Attributes changed",
  created: "Created",
  merged: "Merged",
  deleted: "Deleted",
  related: "Related",
};
