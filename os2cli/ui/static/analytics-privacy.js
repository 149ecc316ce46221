// What PostHog may know about a page: its kind, and nothing about this computer.
//
// URLs, titles and names are replaced before they leave the browser, in events and in recordings. A
// recording shows the layout of the page and os2's own words; all other text, and every attribute
// that does not affect the layout, is masked.

import { base } from "./base.js";

// RFC 2606 reserves .invalid: this host can't exist.
const ANYWHERE = "https://os2.invalid";
const DIRECT = "$direct";

/**
 * The location of the page, an event of PostHog's script, and the properties of an event.
 * @typedef {{ host: string, path: string }} Place
 * @typedef {Record<string, unknown>} Properties
 * @typedef {{ properties?: Properties, $set?: Properties, $set_once?: Properties }} Event
 */

/**
 * Return the route of a path: `/machines/local-docker/dev` is `/machines/{type}/{name}`.
 * @param {string} path @param {string[]} routes @returns {string}
 */
export function routeOf(path, routes) {
  const segments = (path.startsWith(`${base}/`) ? path.slice(base.length) : path).split("/");
  const names = (/** @type {string} */ route) => route.split("{").length - 1;
  const matches = routes.filter((route) => {
    const parts = route.split("/");
    return (
      parts.length === segments.length &&
      parts.every((part, at) => part === segments[at] || (part.startsWith("{") && segments[at]))
    );
  });
  // A fixed segment wins over a name: `/machines/new` is not a machine.
  return matches.sort((a, b) => names(a) - names(b))[0] ?? "/{page}";
}

/**
 * Return a URL without host, query and names.
 * @param {string} address @param {string[]} routes @returns {string}
 */
export function publicAddress(address, routes) {
  if (!address || address === DIRECT) return address;
  try {
    return ANYWHERE + routeOf(new URL(address, ANYWHERE).pathname, routes);
  } catch {
    return ANYWHERE;
  }
}

/**
 * Return an event that may be sent.
 * @param {Event} event @param {Place} place @param {string[]} routes @returns {Event}
 */
export function publicEvent(event, place, routes) {
  const clean = (/** @type {Properties | undefined} */ properties) =>
    publicProperties(properties, place, routes);
  /** @type {Event} */
  const result = { ...event, properties: clean(event.properties) };
  if (event.$set) result.$set = clean(event.$set);
  if (event.$set_once) result.$set_once = clean(event.$set_once);
  return result;
}

/**
 * @param {Properties | undefined} properties @param {Place} place @param {string[]} routes
 * @returns {Properties}
 */
function publicProperties(properties, place, routes) {
  const pairs = Object.entries(properties ?? {});
  return Object.fromEntries(
    pairs
      .map(([name, value]) => [name, publicValue(name, value, place, routes)])
      .filter(([, value]) => value !== undefined),
  );
}

/**
 * @param {string} name @param {unknown} value @param {Place} place @param {string[]} routes
 * @returns {unknown}
 */
function publicValue(name, value, place, routes) {
  // Recordings are masked when they are made; the script adds its own configuration to them.
  if (name === "$snapshot_data" && Array.isArray(value)) return value.filter(isPlaceless);
  if (Array.isArray(value)) return value.map((each) => publicValue(name, each, place, routes));
  if (value && typeof value === "object")
    return publicProperties(/** @type {Properties} */ (value), place, routes);
  if (typeof value !== "string") return value;
  if (/(url|href|referrer)$/i.test(name)) return publicAddress(value, routes);
  if (/path(name)?$/i.test(name)) return routeOf(value, routes);
  if (/title$/i.test(name)) return routeOf(place.path, routes);
  if (/(host|hostname|domain)$/i.test(name) && value !== DIRECT) return undefined;
  return value.includes(place.host) || value.includes(base) ? undefined : value;
}

/**
 * Return whether an event of a recording does not name the path of this server.
 * @param {unknown} event
 */
function isPlaceless(event) {
  return !JSON.stringify(event).includes(base);
}

// Allowing elements would not do: names of machines appear in headings, buttons and breadcrumbs.
const OWN_WORDS = new Set(
  `Activate,Activity,Age,Archive,Archived,CLI,Cancel,Close,Command,Copy,Create,Create machine,
  Creating,Doctor,Expires,Fix,Labels,Log,Logs,Machine,Machines,Name,New machine,Open,Owner,Publish,Reason,Reconnect,Remove,Restart,Running,Service,Shell,Sign out,Snapshot,
  Snapshots,Stage,Start,State,Stop,Stopped,Terminal,Type,URL,Variables,healthy`
    .split(",")
    .map((word) => word.trim()),
);

/**
 * Return a text as it may be recorded.
 * @param {string} text
 */
export function publicText(text) {
  return OWN_WORDS.has(text.trim()) ? text : text.replace(/\S/g, "*");
}

const LAYOUT_ATTRIBUTES = new Set([
  ..."class style type role rel media dir lang hidden disabled checked selected open".split(" "),
  ..."colspan rowspan size rows cols width height data-state data-kind data-theme".split(" "),
  ..."viewBox d x y x1 x2 y1 y2 cx cy r rx ry points fill stroke stroke-width".split(" "),
  ..."stroke-linecap stroke-linejoin transform xmlns _cssText".split(" "),
]);

/**
 * Return an attribute's value as it may be recorded.
 * @param {string} name @param {string} value @param {string} origin
 */
export function publicAttribute(name, value, origin) {
  if (!LAYOUT_ATTRIBUTES.has(name) && !name.startsWith("rr_")) return "*";
  return value.replaceAll(origin, "").replaceAll(base, "");
}
