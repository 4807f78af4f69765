//! Hostile handlers: statements, huge numbers and built-in functions, combined at random.

use fastrand::Rng;

/// Bodies that go wrong by themselves. `@N` is a huge number, `@S` a long string, `@A` something like an
/// array, `@T` a typed array's constructor.
const STATEMENTS: &[&str] = &[
    // Loops and recursion.
    "for (;;) {}",
    "while (true) { try { webhook.payload = webhook } catch { continue } }",
    "(function f() { f() })();",
    "(function f(a) { return f([a, a]) })(webhook);",
    "const again = () => again(); again();",
    "function* forever() { for (;;) yield 1 } [...forever()];",
    // Memory.
    "const all = []; for (;;) all.push(new Array(10000).fill(all));",
    "let s = 'x'; for (;;) s += s;",
    "const kept = new Map(); for (let i = 0; ; i++) kept.set(i, { i });",
    "@S + @S + @S;",
    "Object.fromEntries(Array.from({ length: @N }, (_, i) => [i, i]));",
    "new Set(@A); structuredClone?.(@A);",
    // Built-in functions.
    "new Array(@N).join('');",
    "new Array(@N).fill(0);",
    "Array.from({ length: @N });",
    "Array(@N).toString(); Array(@N).sort(); Array(@N).flat();",
    "new @T(@N).fill(7).sort().join();",
    "const t = new @T(3000000); t.set(t); t.toReversed(); t.toSorted(() => 1);",
    "new @T(new ArrayBuffer(@N)).subarray(0, @N).lastIndexOf(5);",
    "@T.from({ length: @N }, (_, i) => i);",
    "new ArrayBuffer(@N).slice(0, @N); new DataView(new ArrayBuffer(@N));",
    "'x'.padStart(@N).split(''); 'ab'.repeat(@N).replaceAll('a', 'bb');",
    "@S.split('').reverse().join('').normalize('NFKD').localeCompare(@S);",
    "@S.indexOf('y'.repeat(1000)); @S.match(/x*x*x*y/g);",
    "/^(a+)+$/.test('a'.repeat(40) + 'b');",
    "/(x+x+)+y/.exec(@S); /(?:a|a|a|a|a)*b/.test('a'.repeat(5000));",
    "new RegExp('(' .repeat(@N)); new RegExp('a{0,' + @N + '}{0,' + @N + '}');",
    "@S.replace(/x/g, '$&$&$&$&'); @S.replace(/x/g, () => @S);",
    "2n ** 2000000n; (10n ** 100000n).toString();",
    "BigInt('9'.repeat(1000000)) * BigInt('9'.repeat(1000000));",
    "BigInt.asUintN(@N, -1n); 1n << BigInt(@N);",
    "webhook.payload = 2n ** 20000n;",
    "JSON.stringify(new Array(@N)); JSON.stringify({ a: @S, b: @S }, null, @S);",
    "JSON.parse('['.repeat(100000)); JSON.parse('[' + '1,'.repeat(1000000) + '1]');",
    "webhook.payload = JSON.parse('['.repeat(5000) + ']'.repeat(5000));",
    "webhook.payload = JSON.parse('{\"a\":'.repeat(150) + '1' + '}'.repeat(150));",
    "String.fromCharCode.apply(null, new @T(@N)); Math.max(...new Array(@N));",
    "Object.assign({}, new Array(@N).fill(1)); Object.keys(@S);",
    "Function.prototype.apply.call(Math.max, null, { length: @N });",
    "Reflect.construct(Array, [@N]).copyWithin(1, 0); Reflect.ownKeys(@S);",
    "new Date(@N).toISOString(); new Date(8.64e15).toLocaleString().repeat(@N);",
    "encodeURIComponent(@S); decodeURIComponent('%'.repeat(@N)); escape(@S);",
    "eval('('.repeat(100000));",
    "new Function('return '.repeat(1000))();",
    "new Function('a' + ',a'.repeat(70000), '1');",
    "eval('[' + '[],'.repeat(300000) + ']');",
    // Getters, proxies, symbols.
    "Object.defineProperty(webhook, 'payload', { get() { for (;;) {} } });",
    "Object.defineProperty(webhook, 'url', { get() { return new Array(@N).join('x') } });",
    "webhook.payload = { toJSON() { throw 1 } };",
    "webhook.payload = { toJSON() { return new Array(@N) } };",
    "webhook.payload = new Proxy({}, { ownKeys() { for (;;) {} } });",
    "webhook.payload = new Proxy([], { get: (_, k) => k === 'length' ? @N : 1 });",
    "let p = {}; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); p.x;",
    "let q = {}; for (let i = 0; i < 100000; i++) q = Object.create(q); q.x;",
    "webhook.url = { toString() { return 'x' } };",
    "webhook[Symbol.toPrimitive] = () => { for (;;) {} }; `${webhook}`;",
    "[].concat({ length: @N, [Symbol.isConcatSpreadable]: true });",
    "Object.prototype.toJSON = function () { return this };",
    "Object.prototype.message = @S; Error.prototype.toString = null;",
    "Error.prepareStackTrace = () => { for (;;) {} }; Error.stackTraceLimit = @N;",
    "JSON.stringify = () => 'x'; JSON.parse = null; Object = null;",
    "Array.prototype[Symbol.iterator] = null; Promise.prototype.then = null;",
    "webhook.payload.self = webhook.payload;",
    "webhook.url = 'https://evil.example.com/api/v2/entity';",
    "webhook.payload = { batch: new Array(200000).fill({}) }; webhook.url += '/../batch';",
    "webhook.headers = { a: @S };",
    // Promises.
    "(async () => { for (;;) await 0 })();",
    "const f = () => Promise.resolve().then(f); await_ = f();",
    "Promise.all(Array.from({ length: 1000000 }, () => Promise.resolve(1)));",
    "return new Promise(go => go({ then(go) { new Array(@N).join(); go(webhook) } }));",
    // The console.
    "for (;;) console.log(@S);",
    "for (let i = 0; i < 1e5; i++) console.error('line', i, webhook);",
    "console.log(new Array(@N)); console.warn({ toJSON() { console.log(@S); return @S } });",
    // What is thrown.
    "throw webhook;",
    "throw webhook.payload;",
    "throw JSON.stringify(webhook.payload).repeat(1000);",
    "throw new Error(@S);",
    "throw { get message() { for (;;) {} } };",
    "throw Object.assign(new Error('x'), { stack: @S, name: @S });",
    "throw null;",
    "throw undefined;",
    "throw new Proxy({}, { get() { throw webhook.payload } });",
    "throw Symbol(@S);",
];

/// Called on things that say they are long.
const METHODS: &[&str] = &[
    "at(-1)",
    "concat([1])",
    "copyWithin(1, 0)",
    "every(x => true)",
    "fill(1)",
    "filter(Boolean)",
    "findLast(x => x)",
    "flat(Infinity)",
    "flatMap(x => [x, x])",
    "forEach(x => x)",
    "includes(7)",
    "indexOf(7)",
    "join('')",
    "join(webhook)",
    "lastIndexOf(7)",
    "map(x => x)",
    "pop()",
    "push(1)",
    "reduce((a, b) => a, 0)",
    "reduceRight((a, b) => a, 0)",
    "reverse()",
    "shift()",
    "slice()",
    "some(x => false)",
    "sort()",
    "splice(1, 2, 3)",
    "toReversed()",
    "toSorted()",
    "toSpliced(0, 1)",
    "toString()",
    "unshift(1)",
    "with(0, 1)",
];

const NUMBERS: &[&str] = &[
    "4294967295",
    "2 ** 53 - 1",
    "2 ** 31",
    "1e9",
    "1e8",
    "5e6",
    "1e5",
    "-1",
    "NaN",
    "Infinity",
    "{ valueOf() { for (;;) {} } }",
];

const STRINGS: &[&str] = &[
    "'x'.repeat(@N)",
    "'x'.repeat(1e6)",
    "'ü'.repeat(2e6)",
    "'\\ud800'.repeat(1e5)",
    "JSON.stringify(webhook)",
    "String(new Array(1e6))",
];

const ARRAYS: &[&str] = &[
    "new Array(@N)",
    "{ length: @N }",
    "{ length: @N, 0: 1, 7: 2 }",
    "new Proxy([], {})",
    "new @T(1e6)",
    "Array.from(@S)",
    "new Proxy({ length: @N }, { get: (o, k) => o[k] ?? 1 })",
];

const TYPED: &[&str] =
    &["Uint8Array", "Int16Array", "Float64Array", "BigUint64Array", "Uint8ClampedArray"];

const ENDS: &[&str] = &[
    "return webhook;",
    "return;",
    "return new Proxy(webhook, { get() { throw 'no' } });",
    "return Promise.resolve(webhook);",
    "return new Promise(() => {});",
    "return { get url() { return {} }, payload: 1n };",
];

/// The body of a handler.
pub fn body(rng: &mut Rng) -> String {
    let pieces: Vec<_> = (0..rng.usize(1..4)).map(|_| piece(rng)).collect();
    format!("{}\n{}", pieces.join("\n"), rng.choice(ENDS).unwrap())
}

/// In a block, so that names do not collide; half of them go on after an error.
fn piece(rng: &mut Rng) -> String {
    let statement = if rng.u8(..3) == 0 {
        let method = rng.choice(METHODS).unwrap();
        let (name, arguments) = method.split_once('(').unwrap();
        format!("Array.prototype.{name}.call(@A, {arguments};")
    } else {
        (*rng.choice(STATEMENTS).unwrap()).to_owned()
    };
    let statement = filled(statement, rng);
    if rng.bool() {
        format!("{{ {statement} }}")
    } else {
        format!("try {{ {statement} }} catch {{}}")
    }
}

fn filled(mut text: String, rng: &mut Rng) -> String {
    for (mark, choices) in [("@A", ARRAYS), ("@S", STRINGS), ("@N", NUMBERS), ("@T", TYPED)] {
        while text.contains(mark) {
            text = text.replacen(mark, rng.choice(choices).unwrap(), 1);
        }
    }
    text
}
