// PostHog in the page: its own script, fetched through the page's proxy when everything else is
// there. The server says what it is to know in a <meta>; without that nothing happens here.
import { publicAddress, publicAttribute, publicEvent, publicText } from "./analytics-privacy.js";

/**
 * What the server says, and what is used of PostHog's script.
 * @typedef {{
 *   key: string, api_host: string, ui_host: string, distinct_id: string, email: string | null,
 *   groups: Record<string, string>, environment: string, routes: string[],
 * }} Told
 * @typedef {{
 *   get_property(name: string): unknown, reset(device?: boolean): void,
 *   register(properties: object): void, identify(id: string, properties?: object): void,
 *   getGroups(): Record<string, string>, resetGroups(): void, group(type: string, id: string): void,
 * }} PostHog
 */

const PERSON = "os2_analytics_person";
let signedOut = false;

/** @returns {Told | null} */
function settings() {
  /** @type {HTMLMetaElement | null} */
  const meta = document.querySelector('meta[name="os2-analytics"]');
  // Whoever does not want to be tracked costs PostHog not even a request.
  const unwanted = navigator.doNotTrack === "1" || Reflect.get(navigator, "globalPrivacyControl");
  return meta && !unwanted ? JSON.parse(meta.content) : null;
}

/** @param {Told} told */
function options(told) {
  const routes = told.routes;
  const place = () => ({ host: location.host, path: location.pathname });
  return {
    api_host: told.api_host,
    ui_host: told.ui_host,
    // Cookies of 127.0.0.1 would go to every other server on this computer.
    persistence: "localStorage",
    respect_dnt: true,
    // No crawler has the token that opens the page.
    opt_out_useragent_filter: true,
    save_referrer: false,
    save_campaign_params: false,
    disable_capture_url_hashes: true,
    capture_pageview: true,
    autocapture: false,
    rageclick: false,
    capture_dead_clicks: false,
    capture_heatmaps: false,
    capture_performance: false,
    capture_exceptions: false,
    disable_scroll_properties: true,
    disable_surveys: true,
    disable_product_tours: true,
    disable_conversations: true,
    disable_web_experiments: true,
    advanced_disable_feature_flags: true,
    advanced_disable_toolbar_metrics: true,
    enable_recording_console_log: false,
    session_recording: {
      // Not even how much there is of it.
      blockSelector: '#terminal, .log, [data-rows="env"], [name^="env"]',
      maskAllInputs: true,
      maskTextSelector: "*",
      maskTextFn: (/** @type {string} */ text) => publicText(text),
      maskAttributeFn: (/** @type {string} */ name, /** @type {string} */ value) =>
        publicAttribute(name, value, location.origin),
      maskCapturedNetworkRequestFn: (/** @type {{ name: string }} */ request) => ({
        ...request,
        name: publicAddress(request.name, routes),
      }),
      recordHeaders: false,
      recordBody: false,
    },
    before_send: (/** @type {import("./analytics-privacy.js").Event | null} */ event) =>
      event && !signedOut ? publicEvent(event, place(), routes) : null,
    // A PostHog that does not answer is nobody's concern here.
    on_request_error: () => {},
    loaded: (/** @type {PostHog} */ posthog) => introduce(posthog, told),
  };
}

/**
 * Who uses the page, told once and not with each page.
 * @param {PostHog} posthog @param {Told} told
 */
function introduce(posthog, told) {
  const known = posthog.get_property("$user_id");
  // Two people are never one because they share a browser.
  if (known && known !== told.distinct_id) posthog.reset();
  posthog.register({ $environment: told.environment });
  const person = JSON.stringify([told.distinct_id, told.email]);
  const news = told.email && localStorage.getItem(PERSON) !== person;
  posthog.identify(told.distinct_id, news ? { email: told.email } : undefined);
  localStorage.setItem(PERSON, person);
  const gone = Object.keys(posthog.getGroups()).some((type) => !told.groups[type]);
  if (gone) posthog.resetGroups();
  // PostHog's script keeps them, and says only what changed.
  for (const [type, id] of Object.entries(told.groups)) posthog.group(type, id);
}

function signOut() {
  signedOut = true;
  Reflect.get(window, "posthog")?.reset?.(true);
  // Also where PostHog's script was not there to do it.
  const kept = Object.keys(localStorage).filter((key) => key.startsWith("ph_") || key === PERSON);
  for (const key of kept) localStorage.removeItem(key);
}

/** @param {Told} told */
function load(told) {
  // The queue that PostHog's script looks for, as its own loader leaves it.
  const queue = { _i: [[told.key, options(told), "posthog"]], people: [] };
  Reflect.set(window, "posthog", Object.assign([], queue));
  const script = document.createElement("script");
  script.src = `${told.api_host}/static/array.js`;
  script.async = true;
  script.crossOrigin = "anonymous";
  document.head.append(script);
}

const told = settings();
if (told) {
  if (document.readyState === "complete") load(told);
  else addEventListener("load", () => load(told), { once: true });
}
addEventListener("submit", (event) => {
  const form = event.target;
  if (form instanceof HTMLFormElement && form.matches("[data-sign-out]")) signOut();
});
