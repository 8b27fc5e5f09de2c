#!/usr/bin/env node
// Read by whatever Node is there: it must say what is wrong before anything newer is loaded.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18) || major === 23) {
  process.stderr.write(`sockskitd: this is Node ${process.versions.node}; expected 22.18, 24.11 or newer\n`);
  process.exit(2);
}

const { main } = await import("../dist/index.js");
process.exitCode = await main(process.argv.slice(2));
// Nothing that is still open keeps a server that was asked to stop.
process.exit();
