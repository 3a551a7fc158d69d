// The convention the wiki of Open311 calls Spark: the root goes, an element without others in it is its text, one that has
// others of one name only is a list, any other an object.
const { DOMParser } = require("@xmldom/xmldom");

function value(element) {
  const inner = Array.from(element.childNodes).filter((node) => node.nodeType === 1);
  if (!inner.length) return element.textContent.trim() || null;
  if (new Set(inner.map((one) => one.nodeName)).size === 1) return inner.map(value);
  return Object.fromEntries(inner.map((one) => [one.nodeName, value(one)]));
}

exports.parseXml = (text) => value(new DOMParser().parseFromString(text, "text/xml").documentElement);
