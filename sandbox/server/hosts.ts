// The names that the page answers to. A web page elsewhere can let its own name resolve to this machine (DNS
// rebinding) and then read what it likes; the browser still sends that name, in `Host`.
import { isIP } from "node:net";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const LABEL = "[a-z0-9]([a-z0-9_-]*[a-z0-9])?";
const LOCAL_NAME = new RegExp(`^(${LABEL})\\.localhost$`);
const NAME_BELOW = new RegExp(`^(${LABEL})\\.(${LABEL})\\.localhost$`);

export class Hosts {
  readonly #machine: string | undefined;
  readonly #names: ReadonlySet<string>;
  readonly #any: boolean;

  /**
   * Reads the machine's own name, and others from `ITERATE_SERVER_NAMES`. On Daytona only its proxy reaches
   * the page, for those who have the token, by a name of the proxy's choice.
   */
  constructor(env: NodeJS.ProcessEnv) {
    const names = env["ITERATE_SERVER_NAMES"]?.split(/[\s,]+/).filter((name) => name !== "") ?? [];
    this.#machine = env["OS2_MACHINE_NAME"]?.trim().toLowerCase() || undefined;
    this.#names = new Set(names.map((name) => name.toLowerCase()));
    this.#any = Boolean(env["DAYTONA_SANDBOX_ID"]);
  }

  /** Returns whether a request is for this machine; `address` is the one that it was sent to. */
  accept(host: string | undefined, address: string | undefined): boolean {
    if (this.#any) return true;
    const name = nameIn(host);
    if (name === undefined) return false;
    return (
      LOOPBACK.has(name) ||
      this.#names.has(name) ||
      isOwnAddress(name, address) ||
      // No name server is asked for these.
      LOCAL_NAME.test(name) ||
      (this.#machine !== undefined && NAME_BELOW.exec(name)?.[3] === this.#machine)
    );
  }

  /** Returns the service that a request is for: `SERVICE.localhost` or `SERVICE.MACHINE.localhost`. */
  service(host: string | undefined): string | undefined {
    const name = nameIn(host) ?? "";
    const below = NAME_BELOW.exec(name);
    if (below) return below[3] === this.#machine ? below[1] : undefined;
    const service = LOCAL_NAME.exec(name)?.[1];
    return service === this.#machine ? undefined : service;
  }
}

/** Returns the name in a `Host` header, without its port; nothing if it is not one name. */
function nameIn(host: string | undefined): string | undefined {
  return /^([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i.exec(host ?? "")?.[1]?.toLowerCase();
}

/** Health checks from beside the machine use its address. */
function isOwnAddress(name: string, address = ""): boolean {
  const ip = name.replace(/^\[|\]$/g, "");
  return isIP(ip) !== 0 && ip === address.replace(/^::ffff:/, "");
}
