// Git's credential helper for every user of the machine: it answers from the environment, so a token
// is never written to a file, an argument or a log. See gitcredentials(7) for the protocol.
import { text } from "node:stream/consumers";
import { credentialsFor } from "./lib/remote.ts";

// Git also offers to store and to erase what it has used; there is nothing to do then.
if (process.argv[2] === "get") {
  const lines = (await text(process.stdin)).split("\n").map((line) => line.split("="));
  const question = Object.fromEntries(lines.map(([key = "", ...rest]) => [key, rest.join("=")]));
  const origin = `${question["protocol"]}://${question["host"]}`;
  const credentials = credentialsFor(origin, process.env);
  if (credentials) {
    process.stdout.write(`username=${credentials.username}\npassword=${credentials.password}\n`);
  }
}
