// node pack.mjs FOLDER FILE: writes the C source that takes what Vite built into the gateway, each file as it is and compressed.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { gzipSync, constants } from "node:zlib";

const types = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
};
const [folder, target] = process.argv.slice(2);

function files(under) {
  return readdirSync(under).sort().flatMap(name => {
    const path = join(under, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

const parts = [], rows = [];
for (const path of files(folder).filter(path => !path.endsWith(".gz"))) {
  const type = types[extname(path)];
  if (!type) throw new Error(`${path}: no media type is known for ${extname(path)}`);
  const content = readFileSync(path);
  const packed = gzipSync(content, { level: constants.Z_BEST_COMPRESSION });
  writeFileSync(`${path}.gz`, packed.length < content.length ? packed : "");
  const n = rows.length;
  for (const [name, from] of [[`console_file_${n}`, path], [`console_gzip_${n}`, `${path}.gz`]])
    parts.push(`__asm__(".section .rodata\\n.global ${name}, ${name}_end\\n${name}: .incbin \\"${from}\\"\\n${name}_end: .byte 0\\n.previous");\n` +
               `extern const uint8_t ${name}[], ${name}_end[];\n`);
  rows.push(`    {"${basename(path)}", "${type}", console_file_${n}, console_file_${n}_end, console_gzip_${n}, console_gzip_${n}_end},\n`);
}
writeFileSync(target, `#include "console.h"\n${parts.join("")}const struct console_file console_files[] = {\n${rows.join("")}};\n` +
  `const size_t console_files_count = ${rows.length};\n`);
