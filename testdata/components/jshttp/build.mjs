// Makes a component of handler.js: build.mjs WIT SOURCE OUT.

import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

const [witPath, sourcePath, out] = process.argv.slice(2);
const { component } = await componentize({ sourcePath, witPath, worldName: "handler" });
await writeFile(out, component);
