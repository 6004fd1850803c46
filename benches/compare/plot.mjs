// Draws the times of the readers as bars.

const [WIDTH, LEFT, BAR, GAP, RIGHT] = [760, 250, 20, 34, 150];
const COLOURS = { "npm module": "#b45309", "service, concurrency 4": "#1d4ed8", "service, concurrency 8": "#60a5fa" };

/** Returns an SVG with a group of bars for each directory and latency; the bars of a group share a scale. */
export function plot(rows) {
  const groups = new Map();
  for (const row of rows) {
    const title = `${row.users.toLocaleString("en")} users, ${row.latency} ms`;
    groups.set(title, [...(groups.get(title) ?? []), row]);
  }
  const parts = [];
  let y = 30;
  for (const [title, bars] of groups) {
    parts.push(`<text x="10" y="${y}" font-weight="bold">${title}</text>`);
    const longest = Math.max(...bars.map(({ seconds }) => seconds));
    for (const { name, seconds, ratio } of bars) {
      y += BAR + 4;
      const width = ((WIDTH - LEFT - RIGHT) * seconds) / longest;
      parts.push(
        `<text x="${LEFT - 8}" y="${y}" text-anchor="end">${name}</text>`,
        `<rect x="${LEFT}" y="${y - 14}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[name]}"/>`,
        `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y}">${seconds.toFixed(2)} s (${ratio.toFixed(1)} times)</text>`,
      );
    }
    y += GAP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="14">
<title>Seconds to read a directory from Authentik</title>
<rect width="${WIDTH}" height="${y}" fill="white"/>
${parts.join("\n")}
</svg>
`;
}
