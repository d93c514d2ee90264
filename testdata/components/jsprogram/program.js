// A command of WASI 0.2: says what it was given, and uses clocks and random bytes.

import { getArguments, getEnvironment } from "wasi:cli/environment@0.2.0";

export const run = {
    run() {
        const args = getArguments();
        console.log("args", JSON.stringify(args));
        console.log("env", JSON.stringify(getEnvironment()));
        if (args[1] === "fail") {
            throw undefined;
        }
        console.log("year", new Date(Date.now()).getUTCFullYear());
        console.log("random", Math.random() !== Math.random());
        console.error("to stderr");
    },
};
