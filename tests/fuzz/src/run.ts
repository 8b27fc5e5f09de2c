// Sends changed vectors to everything that reads octets of strangers, for a while.
// `npm run fuzz -- [--seconds 60] [--seed N] [--target NAME]`. Ends with "N passed, N failed": targets.
import { parseArgs } from "node:util";
import { datagramDecoder, streamDecoders } from "./decoders.ts";
import { fragmentMachine } from "./fragments.ts";
import { probe, type Finding } from "./fuzz.ts";
import { identQueries, identReplies } from "./ident.ts";
import { clientMachines, serverMachines } from "./machines.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    target: { type: "string" },
  },
});
const seconds = Number(values.seconds);
const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (!(seconds > 0) || !Number.isSafeInteger(firstSeed)) {
  console.error("fuzz: --seconds takes a number above 0, --seed a whole number");
  process.exit(2);
}
const all = [
  ...streamDecoders(),
  datagramDecoder(),
  ...serverMachines(),
  ...clientMachines(),
  fragmentMachine(),
  identQueries(),
  identReplies(),
];
const targets = all.filter((target) => values.target === undefined || target.name === values.target);
if (targets.length === 0) {
  console.error(`fuzz: no target "${values.target}"; expected one of ${all.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

console.log(`seed ${firstSeed}, ${targets.length} targets, ${seconds} s`);
let failed = 0;
for (const target of targets) {
  const until = performance.now() + (seconds * 1000) / targets.length;
  let inputs = 0;
  let finding: Finding | undefined;
  while (finding === undefined && (inputs === 0 || performance.now() < until)) {
    finding = probe(target, firstSeed + inputs);
    inputs += 1;
  }
  console.log(`${finding === undefined ? "ok    " : "FAILED"} ${target.name}: ${inputs} inputs`);
  if (finding === undefined) continue;
  failed += 1;
  console.log(`  again: npm run fuzz -- --target "${finding.target}" --seed ${finding.seed} --seconds 0.001`);
  console.log(`  input: ${finding.input}`);
  console.log(finding.error);
}
console.log(`${targets.length - failed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
