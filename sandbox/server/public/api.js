// The machine's API.

/** An error response of the machine. */
export class Refused extends Error {
  constructor(status) {
    super(`The machine answered ${status}`);
    this.status = status;
  }
}

export async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(8000) });
  if (!response.ok) throw new Refused(response.status);
  return await response.json();
}
