// The volume of a case: mosaics of its sections become volumes in memory, which NiiVue draws. Nothing is loaded before
// the button is pressed.
"use strict";
(function () {
  const button = document.getElementById("open-volume");
  if (!button) return;
  const given = JSON.parse(document.getElementById("volume-data").textContent);
  const said = document.getElementById("volume-said");
  const byId = (name) => document.getElementById("volume-" + name);
  const frame = given.layers.t1c.frame;
  const sections = given.sections;
  // Of the colour-blind safe colours, on grey images. Alpha rises with the value.
  const COLOURS = {
    probability: { R: [0, 213, 240], G: [0, 94, 228], B: [0, 0, 66], A: [0, 90, 140], I: [0, 128, 255] },
    network: { R: [240, 240], G: [228, 228], B: [66, 66], A: [0, 128], I: [0, 255] },
    readers: { R: [86, 86], G: [180, 180], B: [233, 233], A: [0, 128], I: [0, 255] },
  };
  const LEAST = { probability: 26, network: 64, readers: 20 };
  const OPACITY = { probability: 0.8, network: 0.45, readers: 0.45 };
  const NAMES = { probability: "probability", network: "network's mask", readers: "readers" };

  button.hidden = false;
  button.addEventListener("click", open);

  async function open() {
    if (!document.createElement("canvas").getContext("webgl2")) {
      said.textContent = "This browser cannot draw volumes: it has no WebGL 2. The images above show the section.";
      return;
    }
    button.disabled = true;
    said.textContent = "loading …";
    try {
      await script("../assets/niivue.js");
      byId("view").hidden = false;
      await draw();
      button.parentElement.hidden = true;
      byId("canvas").focus();
    } catch (error) {
      byId("view").hidden = true;
      button.disabled = false;
      said.textContent = `The volume could not be drawn: ${error.message}`;
    }
  }

  function script(source) {
    if (window.niivue) return Promise.resolve();
    return new Promise((done, failed) => {
      const made = document.createElement("script");
      made.src = source;
      made.onload = done;
      made.onerror = () => failed(new Error("assets/niivue.js is not beside this page"));
      document.head.append(made);
    });
  }

  // Where a pixel of the frame lies in a volume: sections run from the patient's left, rows from superior downwards.
  function index(section, row, column) {
    return section + sections * (column + frame.width * (frame.height - 1 - row));
  }

  function empty() {
    return new Uint8Array(sections * frame.width * frame.height);
  }

  async function decoded(layer) {
    const picture = new Image();
    picture.src = layer.data;
    await picture.decode();
    const context = canvas(picture.width, picture.height);
    context.drawImage(picture, 0, 0);
    const pixels = context.getImageData(0, 0, picture.width, picture.height).data;
    const volume = empty();
    for (let at = 0; at < layer.sections; at++) {
      const left = (at % layer.columns) * frame.width;
      const top = Math.floor(at / layer.columns) * frame.height;
      for (let row = 0; row < frame.height; row++)
        for (let column = 0; column < frame.width; column++)
          volume[index(layer.first + at, row, column)] = pixels[4 * ((top + row) * picture.width + left + column)];
    }
    return volume;
  }

  // Outlines, filled: the value is the share of them that holds the voxel.
  function filled(masks) {
    const volume = empty();
    for (const mask of masks) {
      const context = canvas(frame.width, frame.height);
      context.translate(-frame.left, -frame.top);
      context.scale(frame.whole[0] / given.size[0], frame.whole[1] / given.size[1]);
      context.fill(new Path2D(mask.path), "evenodd");
      const pixels = context.getImageData(0, 0, frame.width, frame.height).data;
      for (let row = 0; row < frame.height; row++)
        for (let column = 0; column < frame.width; column++)
          if (pixels[4 * (row * frame.width + column) + 3] > 127)
            volume[index(mask.section ?? given.section, row, column)] += Math.floor(255 / masks.length);
    }
    return volume;
  }

  function canvas(width, height) {
    const made = document.createElement("canvas");
    made.width = width;
    made.height = height;
    return made.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  }

  // A NIfTI-1 file of 8 bits in RAS.
  function nifti(volume) {
    const buffer = new ArrayBuffer(352 + volume.length);
    const header = new DataView(buffer);
    const step = given.spacing_mm;
    header.setInt32(0, 348, true);
    [3, sections, frame.width, frame.height, 1, 1, 1, 1].forEach((n, k) => header.setInt16(40 + 2 * k, n, true));
    header.setInt16(70, 2, true); // unsigned 8 bits
    header.setInt16(72, 8, true);
    [1, ...step].forEach((n, k) => header.setFloat32(76 + 4 * k, n, true));
    header.setFloat32(108, 352, true);
    header.setFloat32(112, 1, true);
    header.setUint8(123, 2); // mm
    header.setInt16(254, 1, true); // the rows that follow say where a voxel lies
    for (let axis = 0; axis < 3; axis++) header.setFloat32(280 + 16 * axis + 4 * axis, step[axis], true);
    [0x6e, 0x2b, 0x31, 0].forEach((letter, k) => header.setUint8(344 + k, letter));
    new Uint8Array(buffer, 352).set(volume);
    return buffer;
  }

  async function draw() {
    const nv = new window.niivue.Niivue({
      backColor: [0, 0, 0, 1],
      crosshairWidth: 0,
      dragAndDropEnabled: false,
      isOrientationTextVisible: true,
      logLevel: "error",
      loadingText: "",
      viewModeHotKey: "",
      clipPlaneHotKey: "",
    });
    await nv.attachToCanvas(byId("canvas"), true);
    nv.setSliceType(nv.sliceTypeSagittal);
    const images = { t1c: await decoded(given.layers.t1c), dce_in: await decoded(given.layers.dce_in) };
    await add(nv, images.t1c, "gray", 0, 255);
    const over = {};
    if (given.layers.probability) over.probability = await decoded(given.layers.probability);
    for (const [name, kind] of [["network", "network"], ["readers", "reader"]]) {
      const masks = given.masks.filter((mask) => mask.kind === kind);
      if (masks.length) over[name] = filled(masks);
    }
    for (const [name, volume] of Object.entries(over)) {
      nv.addColormap(name, COLOURS[name]);
      await add(nv, volume, name, LEAST[name], 255);
      nv.setOpacity(nv.volumes.length - 1, 0);
      byId("overlays").append(toggle(nv, name, nv.volumes.length - 1));
    }
    byId("overlays").hidden = !Object.keys(over).length;
    listen(nv, images);
    window.volumeView = { nv, images, over, index };
    go(nv, given.section);
  }

  async function add(nv, volume, colours, low, high) {
    const image = await window.niivue.NVImage.new(nifti(volume), "volume.nii", colours, 1, null, low, high);
    image.cal_min = low;
    image.cal_max = high;
    nv.addVolume(image);
  }

  function toggle(nv, name, place) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.id = "volume-over-" + name;
    box.autocomplete = "off";
    box.addEventListener("change", () => nv.setOpacity(place, box.checked ? OPACITY[name] : 0));
    label.append(box, " ", (given.names && given.names[name]) || NAMES[name]);
    return label;
  }

  function go(nv, section) {
    const chosen = Math.min(sections - 1, Math.max(0, section));
    nv.scene.crosshairPos = [(chosen + 0.5) / sections, 0.5, 0.5];
    nv.drawScene();
    said_section(chosen);
  }

  function said_section(section) {
    byId("section").value = section;
    byId("number").textContent = `${section} of 0 to ${sections - 1}`;
  }

  function listen(nv, images) {
    byId("section").addEventListener("input", (event) => go(nv, Number(event.target.value)));
    const steps = { ArrowRight: 1, ArrowUp: 1, PageUp: 5, ArrowLeft: -1, ArrowDown: -1, PageDown: -5 };
    byId("canvas").addEventListener("keydown", (event) => {
      if (!(event.key in steps)) return;
      event.preventDefault();
      go(nv, Number(byId("section").value) + steps[event.key]);
    });
    nv.onLocationChange = (place) => said_section(Math.round(place.vox[0]));
    for (const name of ["black", "white"])
      byId(name).addEventListener("input", () => {
        nv.volumes[0].cal_min = Math.min(Number(byId("black").value), Number(byId("white").value) - 1);
        nv.volumes[0].cal_max = Number(byId("white").value);
        nv.updateGLVolume();
      });
    nv.onIntensityChange = (image) => {
      byId("black").value = image.cal_min;
      byId("white").value = image.cal_max;
    };
    for (const choice of document.querySelectorAll("input[name=volume-layer]"))
      choice.addEventListener("change", () => {
        nv.volumes[0].img = images[choice.value];
        nv.updateGLVolume();
      });
  }
})();
