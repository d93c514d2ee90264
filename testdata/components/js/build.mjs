// Makes a component of plugin.js: build.mjs WIT SOURCE OUT. What a plugin may do without WASI is all that it can do.

import { readFile, writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [wit, source, out] = process.argv.slice(2);
const { component } = await componentize(await readFile(source, "utf8"), {
    witPath: wit,
    worldName: "plugin",
    sourceName: "plugin.js",
    disableFeatures: ["random", "stdio", "clocks", "http", "fetch-event"],
});
await writeFile(out, component);
