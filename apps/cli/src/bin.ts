// What the executable runs. It says that Node is too old before anything is loaded that needs a newer one.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18) || major === 23 || (major === 24 && minor < 11) || major === 25) {
  process.stderr.write(`sockskit: this is Node ${process.versions.node}; expected 22.18, 24.11, 26 or newer\n`);
  process.exit(2);
}

const { run } = await import("./main.ts");
await run(process.argv.slice(2));
