// Makes a component of program.js: build.mjs WIT SOURCE OUT.

import { readFile, writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [wit, source, out] = process.argv.slice(2);
const { component } = await componentize(await readFile(source, "utf8"), {
    witPath: wit,
    worldName: "program",
    sourceName: "program.js",
    disableFeatures: ["http", "fetch-event"],
});
await writeFile(out, component);
