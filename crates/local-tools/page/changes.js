// What a request changed at Customer.io.

import { fold, link, make, table } from "./dom.js";
import { shown, time } from "./format.js";

/** `{name: value}` as a table. */
export function attributesTable(label, attributes = {}) {
  const rows = Object.entries(attributes).map(([name, value]) => [name, shown(name, value, attributes)]);
  return table(label, ["attribute", "value"], rows);
}

/** `[{name, before, after}]` as a table; `around` are attributes that may not have changed, such as a currency. */
export function changesTable(label, changes, around = {}) {
  const side = (which) => ({ ...around, ...Object.fromEntries(changes.map((it) => [it.name, it[which]])) });
  const [before, after] = [side("before"), side("after")];
  const row = ({ name }) => [name, shown(name, before[name], before), shown(name, after[name], after)];
  return table(label, ["attribute", "before", "after"], changes.map(row));
}

const REPEATED = "Customer.io has seen this event before, by its id. It is counted once.";

/** Everything that is different since `requests`. */
export function changed({ people, objects, repeated }, requests) {
  const items = requests.flatMap(({ body }) => body?.batch ?? []).filter(({ action }) => action === "identify");
  const sent = Object.assign({}, ...items.map(({ attributes }) => attributes));
  return [
    repeated.length > 0 && make("p", { class: "note" }, REPEATED),
    people.map((it) => person(it, sent)),
    objects.map(object),
  ];
}

const object = ({ type, id, created, attributes }) =>
  make("section", { class: "card", "aria-label": `Object ${id}` },
    make("h4", {}, `Object ${id} of type ${type}${created ? ", new" : ""}`),
    attributes.length > 0 && changesTable(`Object ${id}`, attributes));

function person({ cio_id: cioId, id, email, created, deleted, merged_into: into, ...more }, sent) {
  const { attributes, kept, events } = more;
  const name = email ?? id ?? cioId;
  const merged = into && `merged into ${Object.values(into).join(" ")}`;
  const news = [created && "new", deleted && "deleted", merged].filter(Boolean);
  return make("section", { class: "card", "aria-label": name },
    make("h4", {}, link(name, `#/people/${cioId}`), news.length > 0 && ` (${news.join(", ")})`),
    events.map((it) => [
      make("p", {}, make("strong", {}, `Event "${it.name}"`), it.timestamp && [", ", time(it.timestamp * 1000)]),
      fold("Its attributes", attributesTable(`Event ${it.name}`, it.attributes)),
    ]),
    attributes.length > 0 && changesTable(`What changed on ${name}`, attributes, sent),
    kept.map((it) =>
      make("p", { class: "quiet" }, `${it.name} stays ${it.kept}: what was sent (${it.sent}) is older.`)));
}
