// Git's credential helper for every user of the machine. It reads the environment, so a token is never
// written to a file, an argument or a log. Protocol: gitcredentials(7).
import { text } from "node:stream/consumers";
import { credentialsFor } from "./lib/remote.ts";

// Ignore git's `store` and `erase`.
if (process.argv[2] === "get") {
  const lines = (await text(process.stdin)).split("\n").map((line) => line.split("="));
  const question = Object.fromEntries(lines.map(([key = "", ...rest]) => [key, rest.join("=")]));
  const origin = `${question["protocol"]}://${question["host"]}`;
  const credentials = credentialsFor(origin, process.env);
  if (credentials) {
    process.stdout.write(`username=${credentials.username}\npassword=${credentials.password}\n`);
  }
}
