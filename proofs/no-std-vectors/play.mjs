// Plays the vectors in WebAssembly and prints the figures as the microcontroller does: node play.mjs no_std_vectors.wasm

import { readFileSync } from "node:fs";

// No imports: nothing of the outside is needed.
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const { play, memory } = instance.exports;
const figures = new Uint32Array(memory.buffer, play(), 7);
console.log(`figures [${[...figures].join(", ")}]`);
