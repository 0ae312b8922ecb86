'use strict';

// The query is a drawing (strokes) or a test image (chosen). At each change the server is asked
// anew: one request at a time, and only for the latest state.

const byId = (id) => document.getElementById(id);
const canvas = byId('canvas');
const pen = canvas.getContext('2d');
const SIDE = 512; // of the canvas's coordinates
const NEAREST = 1; // between two points of a stroke: a mouse may tell 1,000 a second
const STEP = 16; // of the cursor that the arrow keys move
const PATIENCE = 60_000; // milliseconds until an answer

let strokes = []; // each is a list of [x, y], some of them perhaps beside the canvas
let nearest = NEAREST; // grows when a drawing has too many points
let chosen = null; // the test image that is the query: { index, category, null if not known yet }
let about = null;
let pointer = null; // that draws; a second finger does not
let cursor = [SIDE / 2, SIDE / 2]; // of the keyboard
let isPenDown = false; // at the cursor
let isAsking = false;
let isStale = false;

// Strokes

const distance = ([x, y], [otherX, otherY]) => Math.hypot(x - otherX, y - otherY);
const inside = (point) => point.map((at) => Math.min(SIDE, Math.max(0, at)));

// Returns which part of a line lies on the canvas, as two numbers in 0..1, or null.
function partOnCanvas(from, to) {
  let [first, last] = [0, 1];
  for (const axis of [0, 1]) {
    const step = to[axis] - from[axis];
    if (step === 0 && (from[axis] < 0 || from[axis] > SIDE)) return null;
    if (step === 0) continue;
    const edges = [-from[axis] / step, (SIDE - from[axis]) / step];
    first = Math.max(first, Math.min(...edges));
    last = Math.min(last, Math.max(...edges));
  }
  return first <= last ? [first, last] : null;
}

// Returns the parts of a stroke that lie on the canvas. They are shown, and they are sent.
function onCanvas(points) {
  const parts = [];
  let continues = false; // whether the last part reaches the next line
  points.forEach((to, number) => {
    const from = points[Math.max(0, number - 1)];
    const part = partOnCanvas(from, to);
    continues = continues && part !== null;
    if (part === null) return;
    const [start, end] = part.map((at) => from.map((x, axis) => x + at * (to[axis] - x)));
    if (!continues) parts.push([start]);
    if (distance(start, end) > 0) parts.at(-1).push(end);
    continues = part[1] === 1;
  });
  return parts;
}

const shown = () => strokes.flatMap(onCanvas);

// Makes points of all strokes sparser until the server takes the drawing.
function thin() {
  while (shown().flat().length > about.most_points && nearest < SIDE) {
    nearest *= 2;
    strokes = strokes.map((points) => {
      const kept = [points[0]];
      for (const point of points) if (distance(point, kept.at(-1)) >= nearest) kept.push(point);
      return kept.at(-1) === points.at(-1) ? kept : [...kept, points.at(-1)];
    });
  }
}

// Makes a test image the query, or nothing.
function start(image) {
  strokes = [];
  nearest = NEAREST;
  chosen = image;
  isPenDown = false;
  redraw();
}

// Returns whether a new stroke has begun.
function begin(point) {
  if (about && shown().length >= about.most_strokes) {
    tell(`A drawing has at most ${about.most_strokes} strokes: undo one, or clear.`, true);
    return false;
  }
  if (chosen) start(null);
  strokes.push([point]);
  redraw();
  return true;
}

// Showing the drawing

function redraw() {
  const pixels = Math.round(canvas.clientWidth * devicePixelRatio);
  if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, pixels, pixels);
  pen.setTransform(pixels / SIDE, 0, 0, pixels / SIDE, 0, 0);
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 9;
  pen.lineCap = pen.lineJoin = 'round';
  for (const points of shown()) {
    pen.beginPath();
    pen.moveTo(...points[0]);
    for (const point of points) pen.lineTo(...point);
    pen.stroke();
  }
  const category = chosen?.category ? `: ${chosen.category}` : '';
  byId('board-title').textContent = chosen ? `From the data set${category}` : 'Your drawing';
  byId('chosen').hidden = !chosen;
  byId('chosen').alt = chosen?.category ? `drawing of ${chosen.category}` : '';
  byId('invitation').hidden = strokes.length > 0 || chosen;
  enable(byId('undo'), strokes.length > 0);
  enable(byId('clear'), strokes.length > 0 || chosen);
  byId('cursor').classList.toggle('down', isPenDown);
}

function enable(button, isEnabled) {
  if (!isEnabled && document.activeElement === button) canvas.focus({ preventScroll: true });
  button.disabled = !isEnabled;
}

// Drawing with mouse, finger or pen

function place(event) {
  const box = canvas.getBoundingClientRect();
  const factor = SIDE / box.width;
  return [(event.clientX - box.left) * factor, (event.clientY - box.top) * factor];
}

function endStroke() {
  if (pointer === null) return;
  pointer = null;
  ask();
}

canvas.addEventListener('pointerdown', (event) => {
  if (event.button !== 0 || (pointer !== null && event.pointerId !== pointer)) return;
  event.preventDefault();
  endStroke(); // whose end was not told
  liftPen();
  canvas.focus({ preventScroll: true });
  byId('cursor').hidden = true;
  canvas.setPointerCapture(event.pointerId);
  if (begin(inside(place(event)))) pointer = event.pointerId;
});
canvas.addEventListener('pointermove', (event) => {
  if (event.pointerId !== pointer) return;
  if (!(event.buttons & 1)) return endStroke(); // it was released where the page was not told
  const seen = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  const stroke = strokes.at(-1);
  for (const point of (seen.length ? seen : [event]).map(place)) {
    if (distance(point, stroke.at(-1)) >= nearest) stroke.push(point);
  }
  redraw();
});
for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) {
  canvas.addEventListener(name, (event) => {
    if (event.pointerId === pointer) endStroke();
  });
}

// Drawing with the keyboard

function liftPen() {
  if (isPenDown) ask();
  isPenDown = false;
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

canvas.addEventListener('keydown', (event) => {
  if (event.key !== ' ' && !(event.key in MOVES)) return;
  event.preventDefault();
  if (pointer !== null) return;
  if (event.key !== ' ') {
    const step = event.shiftKey ? STEP / 4 : STEP;
    cursor = inside(cursor.map((at, axis) => at + step * MOVES[event.key][axis]));
    if (isPenDown) strokes.at(-1).push(cursor);
  } else if (isPenDown) {
    liftPen();
  } else if (!event.repeat) {
    isPenDown = begin(cursor);
  }
  redraw();
  byId('cursor').hidden = false;
  byId('cursor').style.left = `${(100 * cursor[0]) / SIDE}%`;
  byId('cursor').style.top = `${(100 * cursor[1]) / SIDE}%`;
});
canvas.addEventListener('blur', () => {
  liftPen();
  byId('cursor').hidden = true;
});

// Buttons and keys: none does anything while a stroke is being drawn

function undo() {
  if (pointer !== null || !strokes.length) return;
  isPenDown = false;
  strokes.pop();
  redraw();
  ask();
}

function clear() {
  if (pointer !== null) return;
  start(null);
  ask();
}

function choose(index, category) {
  if (pointer !== null) return;
  byId('chosen').src = address(index);
  start({ index, category });
  ask();
}

byId('undo').addEventListener('click', undo);
byId('clear').addEventListener('click', clear);
byId('surprise').addEventListener('click', () => {
  if (about) choose(Math.floor(Math.random() * about.images), null);
  else ask();
});
byId('order').addEventListener('change', ask);
byId('order').addEventListener('submit', (event) => event.preventDefault());
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && event.target !== byId('top')) clear();
  const isCommand = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  if (event.key.toLowerCase() === 'z' && isCommand) {
    event.preventDefault();
    undo();
  }
});
new ResizeObserver(redraw).observe(canvas);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

// Asking. Addresses are relative: a proxy may serve the page under a path of its own.

const address = (index) => `image/${about.dataset}/${index}.png`;

async function json(from, options) {
  let answer;
  try {
    answer = await fetch(from, { signal: AbortSignal.timeout?.(PATIENCE), ...options });
  } catch {
    throw new Error('The server does not answer. Is draw.py still running?');
  }
  const served = answer.headers.get('X-Served');
  if (about && served && served !== about.served) {
    throw new Error('Another network or data set is served now: reload the page.');
  }
  const content = await answer.json().catch(() => ({ error: `status ${answer.status}` }));
  if (!answer.ok) throw new Error(`The server refused: ${content.error}.`);
  return content;
}

function query() {
  const order = {
    distance: byId('order').elements.distance.value,
    class_first: byId('class-first').checked,
    top: Number(byId('top').value),
  };
  if (chosen) return { index: chosen.index, ...order };
  const columns = shown().map((points) => [0, 1].map((axis) => points.map((point) => point[axis])));
  return { strokes: columns, ...order };
}

async function ask() {
  isStale = true;
  if (isAsking) return;
  isAsking = true;
  byId('results-section').setAttribute('aria-busy', 'true');
  while (isStale) {
    isStale = false;
    try {
      if (!about) await meet();
      const answer = chosen || strokes.length ? await find() : null;
      if (!isStale) show(answer);
    } catch (error) {
      if (!isStale) show(null, error.message);
    }
  }
  isAsking = false;
  byId('results-section').setAttribute('aria-busy', 'false');
}

function find() {
  thin();
  const headers = { 'Content-Type': 'application/json' };
  return json('query', { method: 'POST', headers, body: JSON.stringify(query()) });
}

async function meet() {
  about = await json('about');
  const facts = [
    about.network,
    about.epochs && (about.epochs === '1' ? '1 epoch' : `${about.epochs} epochs`),
    `${about.images.toLocaleString('en')} drawings`,
    `${about.categories.length} categories`,
  ];
  byId('about').textContent = facts.filter(Boolean).join(' · ');
  byId('class-first').disabled = !about.has_class_order;
  if (!about.has_class_order) {
    byId('class-first').parentElement.title = 'This network has no classes for these drawings.';
  }
}

// An image that does not load: the server says why.
function explain({ target }) {
  if (target.tagName === 'IMG') json(target.src).catch((error) => tell(error.message, true));
}
document.addEventListener('error', explain, true);

// Showing answers

function tell(text, isError = false) {
  byId('message').textContent = text;
  byId('message').classList.toggle('error', isError);
}

function element(name, content, className = '') {
  const made = document.createElement(name);
  made.className = className;
  made.append(...[content].flat());
  return made;
}

// Shows what was found; without an answer, why there is none.
function show(answer, error) {
  const { classes = [], results = [], seen = null } = answer ?? {};
  const best = classes[0]?.category;
  if (answer && chosen) chosen.category = answer.category;
  redraw();
  byId('verdict').textContent = best ?? '';
  byId('classes').replaceChildren(...classes.map(classRow));
  if (!best) byId('classes').append(element('li', noClass(answer), 'none'));
  byId('seen-figure').hidden = seen === null;
  if (seen !== null) byId('seen').src = seen;
  const category = answer?.category ?? best;
  const hadFocus = byId('results').contains(document.activeElement);
  byId('results').replaceChildren(...results.map((found) => result(found, category)));
  if (hadFocus) (byId('results').querySelector('button') ?? canvas).focus({ preventScroll: true });
  byId('legend').textContent = results.length ? legend(category, best, answer.leading) : '';
  if (error) tell(error, true);
  else if (!answer) tell('Draw something, or let a drawing of the data set surprise you.');
  else tell(results.length ? '' : 'The data set has no other test image.');
}

function noClass(answer) {
  if (!answer) return 'Its classes appear here, with their probabilities.';
  return about.has_classifier
    ? 'The names of this network’s classes are unknown.'
    : 'This network was trained to compare drawings, not to name them.';
}

function legend(category, best, leading) {
  const marked = category ? `✓ marks drawings of the category ${category}.` : '';
  if (leading === null) return marked;
  const drawings = leading === 1 ? 'drawing' : 'drawings';
  const taken = `that the network, too, takes for ${best ?? 'the same class'}`;
  return `First ${leading} ${drawings} ${taken}, then others. ${marked}`;
}

function classRow({ category, probability }) {
  const bar = document.createElement('progress');
  bar.value = probability;
  bar.setAttribute('aria-label', category);
  const percent = `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)} %`;
  return element('li', [element('span', category), element('span', percent, 'value'), bar]);
}

function result(found, category) {
  const picture = document.createElement('img');
  picture.src = address(found.index);
  picture.alt = `drawing of ${found.category}`;
  picture.loading = 'lazy';
  const far = element('span', found.distance.toPrecision(3), 'far');
  far.title = 'distance';
  const text = element('span', [element('span', found.category, 'name'), far], 'text');
  const button = element('button', [picture, text], found.category === category ? 'same' : '');
  button.type = 'button';
  button.title = `${found.category}, key_id ${found.key_id}: find drawings like this`;
  button.addEventListener('click', () => {
    choose(found.index, found.category);
    scrollTo({ top: 0 });
  });
  return element('li', button);
}

ask();
