// PostHog in the page: its own script and recorder, which os2 brings, loaded after everything else.
// The server passes the settings in a <meta>; without it nothing happens.

import { publicAddress, publicAttribute, publicEvent, publicText } from "./analytics-privacy.js";
import { base } from "./base.js";

/**
 * The server's settings, and the part of PostHog's script that is used.
 * @typedef {{
 *   key: string, api_host: string, ui_host: string, distinct_id: string, email: string | null,
 *   groups: Record<string, string>, environment: string, routes: string[],
 * }} Settings
 * @typedef {{
 *   get_property(name: string): unknown, reset(device?: boolean): void,
 *   register(properties: object): void, identify(id: string, properties?: object): void,
 *   getGroups(): Record<string, string>, resetGroups(): void, group(type: string, id: string): void,
 *   set_config(config: { disable_compression: boolean }): void,
 * }} PostHog
 */

/** The recorder comes first: the script does not load it itself. */
const SCRIPTS = [
  {
    file: "posthog-recorder.js",
    integrity: "sha384-xsunOujWBFRqafhJbkRlGHWt6b33xSGw7dBQExLxc3INvsUzmG9KA9LgiVcL5pol",
  },
  {
    file: "array.no-external.js",
    integrity: "sha384-sbHQsjFmoRPaxTNTpl50kjfCBF6DtNRVh1b3wx53Ad59m8SP+5BCc2NJkksAwptJ",
  },
];
const PERSON = "os2_analytics_person";
let signedOut = false;

/** @returns {Settings | null} */
function readSettings() {
  /** @type {HTMLMetaElement | null} */
  const meta = document.querySelector('meta[name="os2-analytics"]');
  // A browser that opts out of tracking sends no request at all.
  const unwanted = navigator.doNotTrack === "1" || Reflect.get(navigator, "globalPrivacyControl");
  return meta && !unwanted ? JSON.parse(meta.content) : null;
}

/** @param {Settings} settings */
function options(settings) {
  const routes = settings.routes;
  const place = () => ({ host: location.host, path: location.pathname });
  return {
    // A path is one of this server.
    api_host: settings.api_host.startsWith("/") ? base + settings.api_host : settings.api_host,
    ui_host: settings.ui_host,
    // Cookies of 127.0.0.1 would go to every other server on this computer.
    persistence: "localStorage",
    respect_dnt: true,
    // Until the user is identified: compression is asynchronous, and what a page that is left
    // meanwhile has not sent is lost. The identity is sent only once.
    disable_compression: true,
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
    disable_external_dependency_loading: true,
    advanced_disable_feature_flags: true,
    advanced_disable_toolbar_metrics: true,
    enable_recording_console_log: false,
    session_recording: {
      // Blocked, since a mask would still show the length.
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
    // Failures of PostHog are not shown to the user.
    on_request_error: () => {},
    loaded: (/** @type {PostHog} */ posthog) => {
      identify(posthog, settings);
      posthog.set_config({ disable_compression: false });
    },
  };
}

/**
 * Identify the user, once and not on every page.
 * @param {PostHog} posthog @param {Settings} settings
 */
function identify(posthog, settings) {
  const known = posthog.get_property("$user_id");
  // Two people who share a browser stay two.
  if (known && known !== settings.distinct_id) posthog.reset();
  posthog.register({ $environment: settings.environment });
  const person = JSON.stringify([settings.distinct_id, settings.email]);
  const isNew = settings.email && localStorage.getItem(PERSON) !== person;
  posthog.identify(settings.distinct_id, isNew ? { email: settings.email } : undefined);
  localStorage.setItem(PERSON, person);
  const removed = Object.keys(posthog.getGroups()).some((type) => !settings.groups[type]);
  if (removed) posthog.resetGroups();
  // PostHog's script remembers the groups and sends only changes.
  for (const [type, id] of Object.entries(settings.groups)) posthog.group(type, id);
}

function signOut() {
  signedOut = true;
  Reflect.get(window, "posthog")?.reset?.(true);
  // PostHog's script may not be loaded.
  const keys = Object.keys(localStorage).filter((key) => key.startsWith("ph_") || key === PERSON);
  for (const key of keys) localStorage.removeItem(key);
}

/** @param {Settings} settings */
function load(settings) {
  // The queue that PostHog's script looks for, as its own loader creates it.
  const queue = { _i: [[settings.key, options(settings), "posthog"]], people: [] };
  Reflect.set(window, "posthog", Object.assign([], queue));
  for (const { file, integrity } of SCRIPTS) {
    const script = document.createElement("script");
    script.src = `${base}/static/vendor/posthog/${file}`;
    script.integrity = integrity;
    // In this order.
    script.async = false;
    document.head.append(script);
  }
}

const settings = readSettings();
if (settings) {
  if (document.readyState === "complete") load(settings);
  else addEventListener("load", () => load(settings), { once: true });
}
addEventListener("submit", (event) => {
  const form = event.target;
  if (form instanceof HTMLFormElement && form.matches("[data-sign-out]")) signOut();
});
