"use strict";
// The decisions sheet in a browser: read, checked, changed and written by the rules of radparity.decisions. A row is an
// object of texts by column; an empty cell has no key.
window.decisionsSheet = (() => {
  const OUT = ["exclude", "hold"];
  const RULINGS = ["include", "keep", ...OUT];

  // Python's \d is a digit of any script, and so it is here.
  const pattern = (text, whole) => {
    const same = text.replaceAll("\\d", "\\p{Nd}");
    return new RegExp(whole ? `^(?:${same})$` : same, "u");
  };

  function whoFault(who, patterns) {
    if (!pattern(patterns.id, true).test(who))
      return "A pseudonym has 1 to 24 letters, digits and hyphens and begins with a letter, as R5.";
    if (pattern(patterns.record).test(who)) return "This looks like a date or a record number. Write a pseudonym, as R5.";
    if (pattern(patterns.person, true).test(who)) return "This looks like a name. Write a pseudonym, as R5.";
    return "";
  }

  function reasonFault(reason, longest, patterns) {
    if (!reason) return "Say why, in words.";
    if ([...reason].length > longest) return `At most ${longest} characters; these are ${[...reason].length}.`;
    if (pattern(patterns.points).test(reason)) return "This holds what looks like a date or a record number. Say it without.";
    return "";
  }

  // Cells as Python's csv module reads and writes them, with tabs.
  function cells(text) {
    const rows = [[]];
    let cell = "", quoted = false, begun = false;
    const end = () => { rows.at(-1).push(cell); cell = ""; begun = false; };
    for (let at = 0; at < text.length; at++) {
      const sign = text[at];
      if (quoted) {
        if (sign !== '"') cell += sign;
        else if (text[at + 1] === '"') { cell += sign; at++; }
        else quoted = false;
      } else if (sign === '"' && !begun) { quoted = begun = true; }
      else if (sign === "\t") end();
      else if (sign === "\n" || sign === "\r") {
        if (sign === "\r" && text[at + 1] === "\n") at++;
        end();
        rows.push([]);
      } else { cell += sign; begun = true; }
    }
    end();
    return rows.filter((row) => row.some((one) => one !== ""));
  }

  function read(text, data) {
    const [head = [], ...body] = cells(text.replace(/^\uFEFF/, ""));
    const unknown = head.filter((name) => !data.columns.includes(name));
    const missing = ["exam", "verdict", "reason", "who", "date"].filter((name) => !head.includes(name));
    if (unknown.length || missing.length)
      throw new Error(`This is no decisions sheet: its first row should read ${data.columns.join(", ")}, with tabs between.`);
    return body.map((row, number) => {
      const found = Object.fromEntries(head.map((name, at) => [name, row[at] ?? ""]).filter(([, cell]) => cell));
      const fault = rowFault(found, data);
      if (fault) throw new Error(`Row ${number + 2}: ${fault}`);
      return found;
    });
  }

  function rowFault(row, data) {
    if (!row.exam) return "it names no exam.";
    if (!data.verdicts.includes(row.verdict)) return `'${row.verdict ?? ""}' is no verdict: ${data.verdicts.join(", ")}.`;
    if (!/^\d{4}-\d{2}-\d{2}$/.test(row.date ?? "")) return "write the date as 2024-03-04.";
    return whoFault(row.who ?? "", data.patterns) || reasonFault(row.reason ?? "", data.longest, data.patterns);
  }

  function write(rows, columns) {
    const cell = (text = "") => (/["\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return [columns, ...rows.map((row) => columns.map((name) => row[name]))]
      .map((row) => row.map(cell).join("\t") + "\n").join("");
  }

  const about = (one, other) => one.exam === other.exam && one.breast === other.breast;

  // Whether an older row cannot stand beside a newer one about the same exam: true, false, or "split" where it concerns
  // the whole exam and still holds for the exam's other breasts.
  function gives(old, row) {
    if (!RULINGS.includes(old.verdict)) return false;
    const [was, now] = [old.verdict, row.verdict];
    if (about(old, row)) {
      // A hold counts more than an include and leaves it there for when it ends.
      if (OUT.includes(now)) return now === "exclude" || was !== "include";
      return OUT.includes(was) || (was === now && (now !== "keep" || old.who === row.who));
    }
    if (!row.breast) return OUT.includes(now) ? true : now === "keep" && OUT.includes(was);
    if (old.breast) return false;
    return (OUT.includes(now) ? was === "keep" : OUT.includes(was)) && "split";
  }

  // The rows with one more, and without what contradicts it. breasts: exam to its breasts.
  function add(rows, row, breasts) {
    if (!RULINGS.includes(row.verdict)) {
      const same = (old) => about(old, row) && old.verdict === row.verdict && old.series === row.series;
      return [...rows.filter((old) => !same(old)), row];
    }
    // Where a breast is included a hold of its exam is one of each breast, since a breast's own row counts more.
    const included = (breast) => rows.some((old) => old.breast === breast && old.verdict === "include");
    if (row.verdict === "hold" && !row.breast && breasts[row.exam]?.some(included))
      return breasts[row.exam].reduce((found, breast) => add(found, { ...row, breast }, breasts), rows);
    const stay = [];
    for (const old of rows) {
      const gone = old.exam === row.exam && gives(old, row);
      if (!gone) stay.push(old);
      else if (gone === "split")
        for (const breast of breasts[old.exam] ?? []) {
          const own = rows.filter((one) => one.exam === old.exam && one.breast === breast && RULINGS.includes(one.verdict));
          const ruled = own.some((one) => OUT.includes(one.verdict) || one.verdict === old.verdict);
          if (breast !== row.breast && !ruled) stay.push({ ...old, breast });
        }
    }
    return [...stay, row];
  }

  const lay = (rows, made, breasts) => made.reduce((found, row) => add(found, row, breasts), rows);
  const text = (row) => JSON.stringify(Object.entries(row).sort());

  // Which rows of those `made` about an exam its sheet does not hold yet; null where somebody else has changed the
  // sheet so that it says otherwise. before, now: the sheet's rows about the exam, when they were made and today.
  function left(before, made, now, breasts) {
    const set = (rows) => rows.map(text).sort().join();
    for (let count = made.length; count >= 0; count--)
      if (set(lay(before, made.slice(0, count), breasts)) === set(now)) return made.slice(count);
    const today = new Set(now.map(text));
    const own = new Set([...before, ...made, ...lay(before, made, breasts)].map(text));
    const others = now.filter((row) => !own.has(text(row)));
    const rest = made.slice(made.findLastIndex((row) => today.has(text(row))) + 1);
    return rest.some((row) => others.some((old) => gives(old, row))) ? null : rest;
  }

  // What a person has said of a case who looked at it: the row of the breast, else of its exam; undefined of none.
  function looked(rows, exam, breast) {
    const own = rows.filter((row) => row.exam === exam && row.verdict !== "include" && RULINGS.includes(row.verdict));
    return own.findLast((row) => row.breast === breast) ?? own.findLast((row) => !row.breast);
  }

  return { add, lay, left, looked, read, reasonFault, text, whoFault, write };
})();
