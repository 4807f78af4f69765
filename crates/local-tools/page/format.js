// Values as people read them.

import { make } from "./dom.js";

const LOCALE = "en-GB";
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const SHORT = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
const DAY = { day: "numeric", month: "short", year: "numeric" };

/** Such as "28 Nov 2026, 22:53:37", in the reader's time zone. */
export const moment = (ms) => new Date(ms).toLocaleString(LOCALE, { ...DAY, ...CLOCK });

/** The same as an element, with the raw value to point at. A short one has no date if it is of today. */
export function time(ms, { isShort = false } = {}) {
  const date = new Date(ms);
  const isToday = date.toDateString() === new Date().toDateString();
  const text = isShort ? date.toLocaleString(LOCALE, isToday ? CLOCK : SHORT) : moment(ms);
  return make("time", { datetime: date.toISOString(), title: `${date.toISOString()} (${ms} ms)` }, text);
}

/** Such as "€29.00", with as many digits as the decimal string has. */
export function money(decimal, currency) {
  const digits = decimal.split(".")[1]?.length ?? 0;
  const options = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    return new Intl.NumberFormat(LOCALE, options).format(decimal);
  } catch {
    return `${decimal} ${currency}`;
  }
}

/** An attribute in words, or null where the value speaks for itself. `all` are the attributes around it. */
export function inWords(name, value, all) {
  if (value === "") return "cleared";
  if (isDecimal(value) && Object.hasOwn(all, `${name}_minor`)) {
    const currency = currencyOf(name, all);
    return currency ? money(value, currency) : null;
  }
  return isDate(name, value) ? moment(value * 1000) : null;
}

/** An attribute's value: in words with the raw one beside, or the raw one. */
export function shown(name, value, all = {}) {
  if (value === null || value === undefined) return make("span", { class: "quiet" }, "–");
  const raw = typeof value === "string" ? value : JSON.stringify(value);
  const words = inWords(name, value, all);
  return words ? [words, " ", make("code", { class: "quiet" }, raw || '""')] : raw;
}

/** With line breaks, if it is JSON. Numbers stay as they are written; a browser that cannot do that changes nothing. */
export function indented(text) {
  if (!JSON.rawJSON) return text;
  const asWritten = (_, value, { source }) => (typeof value === "number" ? JSON.rawJSON(source) : value);
  try {
    return JSON.stringify(JSON.parse(text, asWritten), null, 2);
  } catch {
    return text;
  }
}

const isDecimal = (value) => typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value);

/** `last_payment_amount` has `last_payment_currency`, `total_spent_eur` says it itself. */
function currencyOf(name, all) {
  const names = [name.replace(/_amount$/, "_currency"), `${name}_currency`];
  const own = names.find((it) => it !== name && Object.hasOwn(all, it));
  const suffix = /^total_spent_([a-z]{3})$/.exec(name)?.[1].toUpperCase();
  return all[own] ?? suffix ?? all.currency;
}

/** Unix seconds of our time, in a field that is named as a date: an order's number may be as large. */
function isDate(name, value) {
  return Number.isInteger(value) && value > 1e9 && value < 5e9 && /(_at|_date|_since|timestamp)$/.test(name);
}
