'use strict';

// The query is a drawing (strokes) or a test image (index). At each change the server is asked
// anew: one request at a time, and only for the latest state.

const byId = (id) => document.getElementById(id);
const canvas = byId('canvas');
const pen = canvas.getContext('2d');
const SIDE = 512; // of the canvas's coordinates
const NEAREST = 1; // between two points of a stroke: a mouse may tell 1,000 a second
const STEP = 16; // of the cursor that the arrow keys move

let strokes = []; // each is a list of [x, y]
let index = null; // of the test image that is the query
let about = null;
let isAsking = false;
let isStale = false;

// Drawing

function scale() {
  const side = canvas.clientWidth;
  const pixels = Math.round(side * devicePixelRatio);
  if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
  return pixels / SIDE;
}

function redraw() {
  pen.setTransform(1, 0, 0, 1, 0, 0);
  const factor = scale();
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(factor, 0, 0, factor, 0, 0);
  pen.strokeStyle = pen.fillStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 9;
  pen.lineCap = pen.lineJoin = 'round';
  for (const points of strokes) {
    pen.beginPath();
    pen.moveTo(...points[0]);
    for (const point of points) pen.lineTo(...point);
    pen.stroke();
  }
  byId('chosen').hidden = index === null;
  byId('invitation').hidden = strokes.length > 0 || index !== null;
  byId('undo').disabled = strokes.length === 0;
  byId('clear').disabled = strokes.length === 0 && index === null;
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  const factor = SIDE / box.width;
  return [(event.clientX - box.left) * factor, (event.clientY - box.top) * factor];
}

function begin(point) {
  if (index !== null) {
    index = null;
    strokes = [];
  }
  strokes.push([point]);
  redraw();
}

let pointer = null; // the one that draws; a second finger does not

canvas.addEventListener('pointerdown', (event) => {
  if (pointer !== null || event.button !== 0) return;
  event.preventDefault();
  canvas.focus({ preventScroll: true });
  liftPen();
  byId('cursor').hidden = true;
  pointer = event.pointerId;
  canvas.setPointerCapture(pointer);
  begin(place(event));
});
canvas.addEventListener('pointermove', (event) => {
  if (event.pointerId !== pointer) return;
  const seen = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const each of seen.length ? seen : [event]) {
    const [x, y] = place(each);
    const [lastX, lastY] = strokes.at(-1).at(-1);
    if (Math.hypot(x - lastX, y - lastY) >= NEAREST) strokes.at(-1).push([x, y]);
  }
  redraw();
});
for (const name of ['pointerup', 'pointercancel']) {
  canvas.addEventListener(name, (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    ask();
  });
}

// Drawing with the keyboard

let cursor = [SIDE / 2, SIDE / 2];
let isPenDown = false;

function liftPen() {
  isPenDown = false;
  byId('cursor').classList.remove('down');
}

function showCursor() {
  const mark = byId('cursor');
  mark.hidden = false;
  mark.classList.toggle('down', isPenDown);
  mark.style.left = `${(100 * cursor[0]) / SIDE}%`;
  mark.style.top = `${(100 * cursor[1]) / SIDE}%`;
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

canvas.addEventListener('keydown', (event) => {
  if (event.key === ' ') {
    event.preventDefault();
    if (isPenDown) {
      liftPen();
      ask();
    } else {
      isPenDown = true;
      begin([...cursor]);
    }
  } else if (event.key in MOVES) {
    event.preventDefault();
    const step = event.shiftKey ? STEP / 4 : STEP;
    cursor = cursor.map((at, axis) =>
      Math.min(SIDE, Math.max(0, at + step * MOVES[event.key][axis])),
    );
    if (isPenDown) strokes.at(-1).push([...cursor]);
    redraw();
  } else {
    return;
  }
  showCursor();
});
canvas.addEventListener('blur', () => {
  if (isPenDown) ask();
  liftPen();
  byId('cursor').hidden = true;
});

// Buttons and keys

function undo() {
  if (pointer !== null || !strokes.length) return;
  liftPen();
  strokes.pop();
  redraw();
  ask();
}

function clear() {
  if (pointer !== null) return;
  liftPen();
  strokes = [];
  index = null;
  redraw();
  ask();
}

function choose(number) {
  liftPen();
  strokes = [];
  index = number;
  byId('chosen').src = `/image/${number}.png`;
  redraw();
  ask();
}

byId('undo').addEventListener('click', undo);
byId('clear').addEventListener('click', clear);
byId('surprise').addEventListener('click', () => {
  if (about) choose(Math.floor(Math.random() * about.images));
});
byId('order').addEventListener('change', ask);
byId('order').addEventListener('submit', (event) => event.preventDefault());
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && event.target !== byId('top')) clear();
  else if (event.key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    undo();
  }
});
new ResizeObserver(redraw).observe(canvas);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

// Asking

async function json(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error('The server does not answer. Is draw.py still running?');
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
  if (index !== null) return { index, ...order };
  const columns = strokes.map((points) => [points.map((p) => p[0]), points.map((p) => p[1])]);
  return { strokes: columns, ...order };
}

async function ask() {
  if (isAsking) {
    isStale = true;
    return;
  }
  isAsking = true;
  try {
    do {
      isStale = false;
      if (index === null && !strokes.length) {
        showNothing();
        continue;
      }
      byId('results-section').setAttribute('aria-busy', 'true');
      const answer = await json('/query', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(query()),
      });
      if (!isStale) show(answer);
    } while (isStale);
  } catch (error) {
    tell(error.message, true);
  } finally {
    isAsking = false;
    byId('results-section').setAttribute('aria-busy', 'false');
  }
}

// Showing

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

function showNothing() {
  byId('verdict').textContent = '';
  byId('classes').replaceChildren(
    element('li', 'Its classes appear here, with their probabilities.', 'none'),
  );
  byId('results').replaceChildren();
  byId('seen-figure').hidden = true;
  tell('Draw something, or let a drawing of the data set surprise you.');
}

function show(answer) {
  const best = answer.classes[0];
  byId('board-title').textContent =
    answer.category === null ? 'Your drawing' : `A drawing of the data set: ${answer.category}`;
  byId('chosen').alt = answer.category === null ? '' : `drawing of ${answer.category}`;
  byId('verdict').textContent = best ? best.category : '';
  byId('classes').replaceChildren(...answer.classes.map(classRow));
  if (!best) {
    const reason = about.has_classifier
      ? 'The names of this network’s classes are unknown.'
      : 'This network was trained to compare drawings, not to name them.';
    byId('classes').append(element('li', reason, 'none'));
  }
  byId('seen-figure').hidden = answer.seen === null;
  if (answer.seen !== null) byId('seen').src = answer.seen;
  const category = answer.category ?? best?.category;
  byId('results').replaceChildren(...answer.results.map((found) => result(found, category)));
  tell(answer.results.length ? '' : 'The data set has no other test image.');
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
  picture.src = `/image/${found.index}.png`;
  picture.alt = `drawing of ${found.category}`;
  picture.loading = 'lazy';
  const far = element('span', found.distance.toPrecision(3), 'far');
  far.title = 'distance';
  const text = element('span', [element('span', found.category, 'name'), far], 'text');
  const button = element('button', [picture, text], found.category === category ? 'same' : '');
  button.type = 'button';
  button.title = `${found.category}, key_id ${found.key_id}: find drawings like this`;
  button.addEventListener('click', () => {
    choose(found.index);
    scrollTo({ top: 0 });
  });
  return element('li', button);
}

async function start() {
  redraw();
  try {
    about = await json('/about');
  } catch (error) {
    byId('about').textContent = '';
    tell(error.message, true);
    return;
  }
  const facts = [
    about.network,
    about.epochs && (about.epochs === '1' ? '1 epoch' : `${about.epochs} epochs`),
    `${about.images.toLocaleString('en')} drawings`,
    `${about.categories.length} categories`,
  ];
  byId('about').textContent = facts.filter(Boolean).join(' · ');
  byId('class-first').disabled = !about.has_classifier;
  if (!strokes.length) showNothing();
}

start();
