// HTTP requests: read-only, and only from the page itself.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Redact } from "../lib/redact.ts";
import { type Asset, loadAssets } from "./assets.ts";
import type { Machine } from "./machine.ts";
import type { Services } from "./services.ts";

export interface Parts {
  readonly machine: Machine;
  readonly services: Services;
  readonly redact: Redact;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
}

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

const LOGS = /^\/api\/services\/([^/]+)\/logs$/;

export function handler({ machine, services, redact }: Parts): Handler {
  const assets = loadAssets();

  async function answer(url: URL): Promise<Answer> {
    switch (url.pathname) {
      case "/api/health":
        return json(machine.health());
      case "/api/info":
        return json(await machine.info());
      case "/api/services":
        return json({ services: await services.list() });
    }
    const name = LOGS.exec(url.pathname)?.[1];
    if (name) return await logs(name, url.searchParams.get("lines"));
    const asset = assets.get(url.pathname);
    return asset ? fromAsset(asset) : json({ error: "not found" }, 404);
  }

  async function logs(name: string, wanted: string | null): Promise<Answer> {
    const lines = wanted === null ? 200 : Number(wanted);
    if (!Number.isInteger(lines) || lines < 1 || lines > 2000) {
      return json({ error: "lines must be a number from 1 to 2000" }, 400);
    }
    const log = await services.tail(name, lines);
    if (!log) return json({ error: "no such service" }, 404);
    return json(log);
  }

  /** Redacts every string: commit messages, descriptions and logs may hold secrets. */
  function json(value: unknown, status = 200): Answer {
    const body = JSON.stringify(value, (_, part) =>
      typeof part === "string" ? redact(part) : part,
    );
    return { status, type: "application/json; charset=utf-8", body: `${body}\n` };
  }

  return async (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      send(request, response, json({ error: "only GET and HEAD" }, 405));
      return;
    }
    try {
      const url = URL.parse(request.url ?? "/", "http://machine");
      send(request, response, url ? await answer(url) : json({ error: "invalid URL" }, 400));
    } catch (error) {
      console.error("iterate-server:", redact(String(error)));
      send(request, response, json({ error: "internal error" }, 500));
    }
  };
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    ...HEADERS,
    "content-type": answer.type,
    "content-length": Buffer.byteLength(answer.body),
  });
  response.end(request.method === "HEAD" ? undefined : answer.body);
}

function fromAsset({ type, body }: Asset): Answer {
  return { status: 200, type, body };
}
