// Makes a sample and a test of an event.

import { get, post } from "./api.js";
import { action, fill, fold, json, labelled, link, make } from "./dom.js";

const INTRODUCTION = "People in Dodo's own fields are replaced by made-up ones. Your metadata, ids, amounts and dates "
  + "stay, so look through the event before you write it. The request that it becomes is kept beside it, and "
  + "`make check` compares: your own test.";
const WITHOUT_LOOKUPS = "The request is the one without what Dodo's API says, since `make check` asks it nothing.";

export async function show(signal, number) {
  const { type } = await get(`webhooks/${number}`);
  const name = make("input", { id: "name", value: type, autocomplete: "off" });
  const overwrites = make("input", { type: "checkbox", id: "overwrite" });
  const result = make("div", { id: "kept", role: "status" });
  const keep = async (write) => {
    const wanted = { name: name.value, write, overwrite: overwrites.checked };
    fill(result, shown(await post(`webhooks/${number}/keep`, wanted), write));
  };
  return {
    title: `Keep ${type}`,
    content: [
      make("h2", {}, `Keep ${type} as a sample`),
      make("p", { class: "bar" }, link("Back to the webhook", `#/webhooks/${number}`)),
      make("p", { class: "quiet" }, INTRODUCTION),
      make("p", { class: "bar" },
        labelled("Name", name),
        action("Show what is written", () => keep(false), { id: "preview" }),
        action("Write the files", () => keep(true), { class: "first", id: "write" }),
        make("label", {}, overwrites, " replace the one of that name")),
      result,
    ],
  };
}

const shown = ({ file, replaced, event, expected, command, check, exists, ...more }, isWritten) => [
  make("p", { class: "note" }, file, isWritten ? " is written." : exists ? " exists already." : " would be written."),
  make("p", {}, `Replaced: ${replaced.join(", ") || "nothing"}.`),
  isWritten && make("p", {}, "Send it: ", make("code", {}, command), ". Test it: ", make("code", {}, check), "."),
  more.without_lookups && make("p", {}, WITHOUT_LOOKUPS),
  fold("The event", json("The event", event)),
  fold("The request that is expected", json("The request that is expected", expected)),
];
