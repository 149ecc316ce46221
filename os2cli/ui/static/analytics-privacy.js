// What PostHog may know of a page: which kind of page it is, and nothing of this computer.
//
// Addresses, titles and names are replaced where they leave the browser, in events and in
// recordings. A recording shows what the page looks like and the words that are os2's own; all other
// text, and every attribute that is not about looks, is masked.

// RFC 2606: no such host exists, so that nobody takes it for one.
const ANYWHERE = "https://os2.invalid";
const DIRECT = "$direct";

/**
 * Where the page is, an event as PostHog's script makes it, and what it holds.
 * @typedef {{ host: string, path: string }} Place
 * @typedef {Record<string, unknown>} Properties
 * @typedef {{ properties?: Properties, $set?: Properties, $set_once?: Properties }} Event
 */

/**
 * A path as its route: `/machines/local-docker/dev` is `/machines/{type}/{name}`.
 * @param {string} path @param {string[]} routes @returns {string}
 */
export function routeOf(path, routes) {
  const segments = path.split("/");
  const names = (/** @type {string} */ route) => route.split("{").length - 1;
  const found = routes.filter((route) => {
    const parts = route.split("/");
    return (
      parts.length === segments.length &&
      parts.every((part, at) => part === segments[at] || (part.startsWith("{") && segments[at]))
    );
  });
  // A word of ours wins over a name: `/machines/new` is no machine.
  return found.sort((a, b) => names(a) - names(b))[0] ?? "/{page}";
}

/**
 * An address without host, query and names.
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
 * An event as it may leave.
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
  // Recordings are masked where they are made.
  if (name === "$snapshot_data") return value;
  if (Array.isArray(value)) return value.map((each) => publicValue(name, each, place, routes));
  if (value && typeof value === "object")
    return publicProperties(/** @type {Properties} */ (value), place, routes);
  if (typeof value !== "string") return value;
  if (/(url|href|referrer)$/i.test(name)) return publicAddress(value, routes);
  if (/path(name)?$/i.test(name)) return routeOf(value, routes);
  if (/title$/i.test(name)) return routeOf(place.path, routes);
  if (/(host|hostname|domain)$/i.test(name) && value !== DIRECT) return undefined;
  return value.includes(place.host) ? undefined : value;
}

// Places would not do: names of machines come into headings, buttons and even the way back.
const OWN_WORDS = new Set(
  `Activate,Activity,Age,Archive,Archived,Cancel,Close,Command,Copy,Create,Create machine,Creating,
  Delete,Doctor,Expires,Fix,Labels,Log,Logs,Machine,Machines,Name,New machine,On the command line,
  Open,Owner,Publish,Reason,Reconnect,Remove,Restart,Running,Service,Shell,Sign out,Snapshot,
  Snapshots,Stage,Start,State,Stop,Stopped,Terminal,Type,URL,Variables,healthy`
    .split(",")
    .map((word) => word.trim()),
);

/**
 * Text as a recording has it.
 * @param {string} text
 */
export function publicText(text) {
  return OWN_WORDS.has(text.trim()) ? text : text.replace(/\S/g, "*");
}

const LOOKS = new Set([
  ..."class style type role rel media dir lang hidden disabled checked selected open".split(" "),
  ..."colspan rowspan size rows cols width height data-state data-kind data-theme".split(" "),
  ..."viewBox d x y x1 x2 y1 y2 cx cy r rx ry points fill stroke stroke-width".split(" "),
  ..."stroke-linecap stroke-linejoin transform xmlns _cssText".split(" "),
]);

/**
 * An attribute as a recording has it.
 * @param {string} name @param {string} value @param {string} origin
 */
export function publicAttribute(name, value, origin) {
  return LOOKS.has(name) || name.startsWith("rr_") ? value.replaceAll(origin, "") : "*";
}
