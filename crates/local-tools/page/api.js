// Talks to the tool that serves this page.

async function read(request) {
  const response = await request.catch(() => {
    throw new Error("`make dev` does not respond. Start it again; the history is kept.");
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}

/** @throws {Error} with a sentence for people. */
export const get = (path, parameters = {}) => read(fetch(`/api/${path}?${new URLSearchParams(parameters)}`));

/** @throws {Error} with a sentence for people. */
export const post = (path, body = {}) => read(fetch(`/api/${path}`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
}));

/** The last state that the tool told; null before the first. */
export let state = null;

/** Follows the state for ever; `onproblem` gets an error, and null when all is well again. */
export async function follow(onproblem) {
  for (;;) {
    try {
      state = await get("state", state && { since: state.revision });
      onproblem(null);
      window.dispatchEvent(new Event("state"));
    } catch (error) {
      onproblem(error);
      state = null;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/** Calls `work` at every change of the state, until `signal`. */
export const onState = (signal, work) => window.addEventListener("state", work, { signal });
