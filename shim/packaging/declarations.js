// Makes one self-contained declaration file of those that the compiler wrote for an entry and all that it imports: who installs the package has
// neither our folders nor the types of the Worker's runtime. Declarations that the entry's exports do not lead to are left out.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The text of the declaration file of `entry` (`.d.ts`, as the compiler wrote it). Throws where two files give one name to different things. */
export function bundleDeclarations(entry) {
  const files = new Map();
  collect(entry, files);
  const declared = new Map();
  for (const [path, { declarations }] of files) {
    for (const [name, texts] of declarations) {
      const known = declared.get(name);
      if (known !== undefined) throw new Error(`${name} is declared in ${known.path} and in ${path}`);
      const isType = !/\bdeclare (?:const|function)\b/.test(texts[0]);
      declared.set(name, { path, isType, text: texts.join('\n') });
    }
  }
  const exported = files.get(entry).exported;
  const wanted = new Set();
  const want = (name) => {
    const found = declared.get(name);
    if (found === undefined || wanted.has(name)) return;
    wanted.add(name);
    for (const [, query, word] of withoutComments(found.text).matchAll(/(typeof )?\b([A-Za-z_$][\w$]*)/g)) {
      // A value is meant where its type is asked for; else a method is called as it is.
      if (declared.get(word)?.isType || query !== undefined) want(word);
    }
  };
  for (const name of exported) {
    if (!declared.has(name)) throw new Error(`${name} is exported and declared nowhere`);
    want(name);
  }
  const texts = [...declared].filter(([name]) => wanted.has(name)).map(([, { text }]) => text);
  return `${texts.join('\n')}\nexport { ${[...exported].toSorted().join(', ')} };\n`;
}

/** Reads a file and what it imports, the imported first. */
function collect(path, files) {
  if (files.has(path)) return;
  files.set(path, undefined);
  const declarations = new Map();
  const exported = new Set();
  for (const statement of statements(readFileSync(path, 'utf8'))) {
    const bare = withoutComments(statement).trim();
    const from = /\bfrom '([^']+)';$/.exec(bare)?.[1];
    if (from !== undefined) {
      if (!from.startsWith('.')) throw new Error(`${path} imports ${from}`);
      collect(join(dirname(path), from.replace(/\.ts$/, '.d.ts')), files);
    }
    if (from !== undefined || /^export (?:type )?\{/.test(bare)) {
      if (bare.startsWith('export') && !bare.startsWith('export *')) for (const name of namesIn(bare)) exported.add(name);
      continue;
    }
    const name = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|const|function) ([\w$]+)/.exec(bare)?.[1];
    if (name === undefined) throw new Error(`${path}: not understood: ${bare}`);
    // Overloads of a function are several statements.
    declarations.set(name, [...(declarations.get(name) ?? []), unexported(statement)]);
  }
  files.delete(path);
  files.set(path, { declarations, exported });
}

/** What `export { a, type b }` names. Names that are changed on the way (`as`) are not understood, and not used here. */
function namesIn(statement) {
  const list = /\{([^}]*)\}/.exec(statement)?.[1];
  if (list === undefined || / as /.test(list)) throw new Error(`not understood: ${statement}`);
  return list
    .split(',')
    .map((name) => name.trim().replace(/^type /, ''))
    .filter((name) => name !== '');
}

/** Without `export`; what is a value says `declare`. */
function unexported(statement) {
  return statement.trim().replace(/^((?:\/\*[\s\S]*?\*\/\s*|\/\/.*\n\s*)*)export (?=interface|type|declare)/, '$1');
}

function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<!['"\w:])\/\/.*$/gm, '');
}

/** The top-level statements, each with the comments before it: a block ends its interface or class, all else ends with a semicolon. */
function* statements(text) {
  let [from, depth, block] = [0, 0, false];
  for (const { 0: token, index } of text.matchAll(
    /\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[{}()[\];]|\b(?:interface|class)\b/g,
  )) {
    if (depth === 0 && (token === 'interface' || token === 'class')) block = true;
    if (/^[{([]$/.test(token)) depth += 1;
    if (/^[})\]]$/.test(token)) depth -= 1;
    const ends = depth === 0 && (token === ';' || (token === '}' && block));
    if (!ends) continue;
    yield text.slice(from, index + 1);
    [from, block] = [index + 1, false];
  }
}
