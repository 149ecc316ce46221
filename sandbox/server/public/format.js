// Numbers, times and URLs for people.

/** The two largest units: `3d 4h`, `5m 2s`, `0s`. */
export function duration(seconds) {
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([number]) => number > 0);
  if (first === -1) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([number]) => number > 0)
    .map((part) => part.join(""))
    .join(" ");
}

export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** The local time of day, in 24 hours for every language of the browser. */
export function clock(date) {
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((number) => String(number).padStart(2, "0"))
    .join(":");
}

/** Splits a line of a log from the UTC time that the logger puts in front of it. */
export function parseLine(line) {
  const found = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?\s+(.*)$/s.exec(line);
  if (!found) return { text: line };
  const [, day, time, fraction = "", text] = found;
  return { text, date: new Date(`${day}T${time}${fraction.slice(0, 4)}Z`) };
}

/**
 * Returns the URL of another port of the machine, or nothing if it cannot be reached:
 * - on this host, only the page's port is published, and it forwards by name: `NAME.localhost`, or below the
 *   machine's own name, so that machines share no cookies
 * - a preview URL starts with the port: `3000-…`
 * - elsewhere, all ports of the machine can be reached
 */
export function addressOf({ name, port }, ownPort, { protocol, hostname, port: here }) {
  if (port === ownPort) return undefined;
  if (/^(?:(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) {
    if (!/^[a-z\d](?:[a-z\d-]*[a-z\d])?$/i.test(name)) return undefined;
    const machine = /^[^.]+\.localhost$/.test(hostname) ? hostname : "localhost";
    return `${protocol}//${name.toLowerCase()}.${machine}${here && `:${here}`}/`;
  }
  if (hostname.startsWith(`${ownPort}-`)) {
    return `${protocol}//${port}${hostname.slice(String(ownPort).length)}/`;
  }
  return here === String(ownPort) ? `${protocol}//${hostname}:${port}/` : undefined;
}
