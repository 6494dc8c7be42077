import type { Language } from './text.ts';

/**
 * What the service says in English of what it refused and of its own state, in Chinese. Its sentences stand in dead letters, in exports and in the
 * log as they are; the page shows them in the reader's language. A `<name>` is taken over as it is; a `<=name>` is one of PARTS, a `<~name>` may be one.
 */
const SENTENCES: readonly (readonly [english: string, chinese: string])[] = [
  // The native form.
  ['the payload has no bytes; expected <form>', '消息为空；应为 <form>'],
  ['the <n> bytes are not UTF-8 (they begin <hex>); send JSON as UTF-8', '<n> 字节不是 UTF-8（开头为 <hex>）；请以 UTF-8 发送 JSON'],
  ['<=error>; expected {"ts": …, "values": {…}}', '不是 JSON（<=error>）；应为 {"ts": …, "values": {…}}'],
  ['the array is empty; expected at least one {"ts": …, "values": {…}}', '数组为空；应至少有一个 {"ts": …, "values": {…}}'],
  ['the object is empty; expected {"ts": …, "values": {…}}', '对象为空；应为 {"ts": …, "values": {…}}'],
  ['found <=found>; expected {"ts": milliseconds, "values": {quantity: number}}', '得到<=found>；应为 {"ts": 毫秒, "values": {参数: 数值}}'],
  [
    'found <=found>; expected {"meter": id, "ts": milliseconds, "values": {quantity: number}}',
    '得到<=found>；应为 {"meter": 编号, "ts": 毫秒, "values": {参数: 数值}}',
  ],
  [
    '"meter" is <=found>; expected {"meter": id, "ts": milliseconds, "values": {quantity: number}}',
    '"meter" 为<=found>；应为 {"meter": 编号, "ts": 毫秒, "values": {参数: 数值}}',
  ],
  ['"ts" and "values" are missing; in an array each reading needs its own time', '缺少 "ts" 和 "values"；数组中每条读数都要有自己的时间'],
  ['a retained message with values alone; add "ts" or publish it without retain', '保留消息中只有数值；请加上 "ts"，或不带保留标志发布'],
  [
    'a retained message without a time of its own; send the time with it or publish it without retain',
    '保留消息没有自己的时间；请随消息发送时间，或不带保留标志发布',
  ],
  ['"values" is missing; expected {"ts": …, "values": {quantity: number}}', '缺少 "values"；应为 {"ts": …, "values": {参数: 数值}}'],
  ['"values" is <=found>; expected an object {quantity: number}', '"values" 为<=found>；应为对象 {参数: 数值}'],
  ['"values" is empty; expected {quantity: number}', '"values" 为空；应为 {参数: 数值}'],
  ['"ts" is missing; add it in UTC milliseconds, or send the values alone for the time of arrival', '缺少 "ts"；请加上 UTC 毫秒，或只发送数值（取到达时间）'],
  ['"ts" is <=found>; these look like seconds; expected UTC milliseconds, for this one <right>', '"ts" 为<=found>；看起来是秒；应为 UTC 毫秒，此处为 <right>'],
  ['"ts" is <=found>; expected UTC milliseconds as an integer, for this one <right>', '"ts" 为<=found>；应为整数 UTC 毫秒，此处为 <right>'],
  ['"ts" is <=found>; expected UTC milliseconds as an integer', '"ts" 为<=found>；应为整数 UTC 毫秒'],
  ['"backfill" is <=found>; expected true or false', '"backfill" 为<=found>；应为 true 或 false'],
  ['key <key> beside <a> and <b>; quantities belong into "values"', '<a> 与 <b> 之外有键 <key>；参数应放在 "values" 里'],
  ['key <key> stands twice in <=where>; send it once', '键 <key> 在<=where>中出现两次；请只发送一次'],
  ['status is <found>; expected online or offline', '状态为 <found>；应为 online 或 offline'],
  ['the payload has <n> bytes; at most <most> are taken, send several messages', '消息有 <n> 字节，最多接收 <most> 字节；请分成几条发送'],

  // Topics, meters, gateways.
  [
    'topic <topic> is neither parks/{park}/meters/{meter}/readings or …/status nor one that a mapping takes',
    '主题 <topic> 既不是 parks/{park}/meters/{meter}/readings 或 …/status，也没有映射接收它',
  ],
  [
    'topic <topic> is not of the contract; expected parks/{park}/meters/{meter}/readings or …/status',
    '主题 <topic> 不属于约定的主题；应为 parks/{park}/meters/{meter}/readings 或 …/status',
  ],
  [
    'topic <topic> ends in <leaf>; expected parks/{park}/meters/{meter}/readings or …/status',
    '主题 <topic> 以 <leaf> 结尾；应为 parks/{park}/meters/{meter}/readings 或 …/status',
  ],
  [
    'topic <topic> has no valid park id; expected parks/{park}/meters/{meter}/readings or …/status',
    '主题 <topic> 中没有有效的园区编号；应为 parks/{park}/meters/{meter}/readings 或 …/status',
  ],
  [
    'topic <topic> has no valid meter id; expected parks/{park}/meters/{meter}/readings or …/status',
    '主题 <topic> 中没有有效的计量点编号；应为 parks/{park}/meters/{meter}/readings 或 …/status',
  ],
  [
    'topic is <n> characters long; expected parks/{park}/meters/{meter}/readings or …/status',
    '主题长达 <n> 个字符；应为 parks/{park}/meters/{meter}/readings 或 …/status',
  ],
  ['nothing takes the topic <topic> now', '现在没有任何映射接收主题 <topic>'],
  ['meter <meter> is not registered; register it in park <park> or correct the topic', '计量点 <meter> 未登记；请在园区 <park> 登记，或更正主题'],
  ['meter <meter> is not registered; register it or correct its id', '计量点 <meter> 未登记；请登记，或更正编号'],
  [
    'meter <meter> does not belong to park <park>; publish under the park in which it is registered',
    '计量点 <meter> 不属于园区 <park>；请在其登记的园区下发布',
  ],
  ['meter <meter> does not belong to park <park>, for which this message is taken', '计量点 <meter> 不属于接收此消息的园区 <park>'],
  [
    'gateway <gateway> may not publish for meter <meter>: no gateway is named in the meter’s record',
    '网关 <gateway> 无权为计量点 <meter> 上报：该计量点的档案没有指定网关',
  ],
  [
    'gateway <gateway> may not publish for meter <meter>: another gateway is named in the meter’s record',
    '网关 <gateway> 无权为计量点 <meter> 上报：该计量点的档案指定了另一个网关',
  ],
  ["gateway <gateway> may not publish for node <node>: it is another gateway's", '网关 <gateway> 无权为节点 <node> 上报：该节点属于另一个网关'],
  ['gateway <gateway> may not publish to <topic>', '网关 <gateway> 无权向 <topic> 发布'],
  ['quantity <name> is not in the catalogue; GET /api/v1/quantities lists the names', '参数 <name> 不在目录中；名称见 GET /api/v1/quantities'],
  ['the meter’s record has unit <unit> for <name>; right would be one of <units>', '计量点档案中 <name> 的单位为 <unit>；应为以下之一：<units>'],

  // Values and times.
  ['<name> is <=found>; expected a JSON number', '<name> 为<=found>；应为 JSON 数值'],
  ['<name> is a number too large to be represented; expected a finite number', '<name> 的数值过大，无法表示；应为有限数值'],
  [
    '"ts" <ts> is before the year 2000; expected UTC milliseconds; it looks like seconds, in milliseconds it would be <right>',
    '"ts" <ts> 早于 2000 年；应为 UTC 毫秒；看起来是秒，换成毫秒为 <right>',
  ],
  [
    '"ts" <ts> is before the year 2000; expected UTC milliseconds; it looks like <form>, which a mapping reads where its time.as is that',
    '"ts" <ts> 早于 2000 年；应为 UTC 毫秒；看起来是 <form>，映射的 time.as 设为它即可读取',
  ],
  [
    '"ts" <ts> is <n> s ahead of this service; expected UTC milliseconds; it looks like <form>, which a mapping reads where its time.as is that',
    '"ts" <ts> 比本服务的时钟快 <n> 秒；应为 UTC 毫秒；看起来是 <form>，映射的 time.as 设为它即可读取',
  ],
  ['"ts" <ts> is before the year 2000; expected UTC milliseconds', '"ts" <ts> 早于 2000 年；应为 UTC 毫秒'],
  [
    '"ts" <ts> is <n> s ahead of this service; expected at most <most> s, set the gateway\'s clock',
    '"ts" <ts> 比本服务的时钟快 <n> 秒；最多允许 <most> 秒，请校准网关时钟',
  ],
  ['<name> was refused by the store: <why>; the payload shows it after conversion to <unit>', '<name> 被存储拒绝：<why>；消息内容为换算成 <unit> 之后的值'],

  // Mappings.
  [
    'mapping <id>, <at> of item <where> (<~of>): found <=found>; expected <=expected>',
    '映射 <id>，第 <where> 项的 <at>（<~of>）：得到<=found>；应为<=expected>',
  ],
  ['mapping <id>, <at> (<~of>): found <=found>; expected <=expected>', '映射 <id>，<at>（<~of>）：得到<=found>；应为<=expected>'],
  ['mapping <id>, <at> of item <where>: found <=found>; expected <=expected>', '映射 <id>，第 <where> 项的 <at>：得到<=found>；应为<=expected>'],
  ['mapping <id>, <at>: found <=found>; expected <=expected>', '映射 <id>，<at>：得到<=found>；应为<=expected>'],

  // HJ 212.
  ['no single gateway has the number MN=<mn>: two gateways have it', '编号 MN=<mn> 不唯一：有两个网关使用它'],
  ['no single gateway has the number MN=<mn>: register a gateway with an hj212 link for it', '没有网关使用编号 MN=<mn>：请为它登记一个带 HJ 212 连接的网关'],
  ['no single gateway has the number MN=<mn>', '没有唯一的网关使用编号 MN=<mn>'],
  ['gateway <gateway> did not sign in with this message; let it send it again', '发送此消息时网关 <gateway> 并未登录；请让它重新发送'],
  ['PW is not the secret of gateway <gateway>', 'PW 不是网关 <gateway> 的密码'],
  [
    'the CRC is <sent>; expected <right>; it is the <kind> CRC, set "crcKind" of the gateway\'s link',
    'CRC 为 <sent>；应为 <right>；这是 <kind> 算法的 CRC，请设置网关连接的 "crcKind"',
  ],
  ['the CRC is missing; expected <right>', '缺少 CRC；应为 <right>'],
  ['the CRC is <sent>; expected <right>', 'CRC 为 <sent>；应为 <right>'],
  ['the length is missing; the data segment has <n> bytes', '缺少长度；数据段有 <n> 字节'],
  ['the length is <sent>; the data segment has <n> bytes', '长度为 <sent>；数据段有 <n> 字节'],
  ['command CN=<cn> (<=what>) is not taken; taken are <=list>', '不接收命令 CN=<cn>（<=what>）；接收的有 <=list>'],
  ['command CN=<cn> is not taken; taken are <=list>', '不接收命令 CN=<cn>；接收的有 <=list>'],
  [
    'command CN=<cn> (<=what>) is not used: the message rests here and was answered; taken are <=list>',
    '命令 CN=<cn>（<=what>）不作使用：消息已应答并留存于此；接收的有 <=list>',
  ],
  [
    'the CP is encrypted (SM4, HJ 212-2025), and the gateway has no key that fits; give it the key that the logger has now, or send it plain, over TLS',
    'CP 已加密（SM4，HJ 212-2025），而网关没有相符的密钥；请为其设置数采仪当前的密钥，或经 TLS 明文发送',
  ],
  ['there is no value in the CP', 'CP 中没有数值'],
  ['DataTime is <time>; expected YYYYMMDDhhmmss', 'DataTime 为 <time>；应为 YYYYMMDDhhmmss'],
  ['DataTime is <time>, which no clock in the park shows', 'DataTime 为 <time>，园区时钟不会显示这一时刻'],
  ['QN is <time>, which no clock in the park shows', 'QN 为 <time>，园区时钟不会显示这一时刻'],
  ['there is no DataTime, without which a statistic belongs to no period', '缺少 DataTime，统计值无法归入任何时段'],
  [
    '<part> is no name=value; expected e.g. a01012-Rtd=121.7, with "," or ";" before the next one',
    '<part> 不是 名称=值；应如 a01012-Rtd=121.7，各项以 "," 或 ";" 分隔',
  ],
  ['<part> does not say what it is of <name>; expected <form> and so on', '<part> 没有说明是 <name> 的哪一项；应如 <form> 等'],
  ['<part> is no value of command <cn>', '<part> 不是命令 <cn> 的数值'],
  [
    'factor <code> is not known; name its quantity under "factors" of the gateway\'s link, or ignore it there',
    '未知的因子 <code>；请在网关连接的 "factors" 中指定其参数，或在那里忽略它',
  ],
  [
    'factor <code> (<name>) has no quantity at a meter of this kind; name one under "factors" of the gateway\'s link, or ignore it there',
    '此类计量点没有与因子 <code>（<name>）对应的参数；请在网关连接的 "factors" 中指定，或在那里忽略它',
  ],
  ['<part> has no factor code before the dash; expected e.g. a01012-Rtd', '<part> 的连字符之前没有因子编码；应如 a01012-Rtd'],
  ['the catalogue has no <suffix> of <base>', '目录中没有 <base> 的 <suffix>'],
  ['<part> is <text>; expected a number with a decimal point: a decimal comma cuts it in two', '<part> 为 <text>；应为带小数点的数值：小数逗号会把它截成两段'],
  ['<part> is <text>; expected a number', '<part> 为 <text>；应为数值'],
  ['<quantity> cannot be converted from <from> to <to>', '<quantity> 无法从 <from> 换算为 <to>'],
  ['<part> is a second value of <quantity> (<value>); the first is kept', '<part> 是 <quantity> 的第二个值（<value>）；保留第一个'],
  [
    '<n> of <total> packets came; a logger that waits for an answer to each needs "split": "single" in its gateway\'s link',
    '<total> 个分包只收到 <n> 个；逐包等待应答的数采仪，需在网关连接中设置 "split": "single"',
  ],
  ['packet number PNO=<pno> is not between 1 and PNUM=<pnum>', '分包号 PNO=<pno> 不在 1 与 PNUM=<pnum> 之间'],
  ['PNUM=<pnum> packets are more than the <most> that are joined', 'PNUM=<pnum> 超过可合并的 <most> 个分包'],
  ['the packets have more than <n> bytes', '各分包合计超过 <n> 字节'],
  ['the letter holds some packets of several', '留存的只是若干分包中的一部分'],

  // Sparkplug B.
  ['topic <topic> is not one of Sparkplug B; expected <=form>', '主题 <topic> 不是 Sparkplug B 的主题；应为 <=form>'],
  [
    'a <type> that the broker had kept: nobody knows how old it is; births and data must not be retained',
    '代理保留的 <type>：无从得知其新旧；birth 和数据消息不得保留',
  ],
  ['the payload is no Sparkplug B message: <why>', '消息不是 Sparkplug B 消息：<why>'],
  ['the payload has <n> metrics; <most> are taken, send several messages', '消息有 <n> 个指标，最多接收 <most> 个；请分成几条发送'],
  ['metrics[<index>] cannot be read: <why>', 'metrics[<index>] 无法读取：<why>'],
  ['node <node> has more than <n> devices; <device> is not taken', '节点 <node> 的设备超过 <n> 个；不接收 <device>'],
  [
    "node <node> reports for itself and its gateway's link names no meter for that; set link.meter",
    '节点 <node> 为自身上报，而网关连接没有为此指定计量点；请设置 link.meter',
  ],
  ["<id> cannot be a meter's id; name its meter in the link of the node's gateway", '<id> 不能作为计量点编号；请在该节点网关的连接中指定其计量点'],
  [
    "metric <name>: node <node> reports for itself and its gateway's link names no meter for that; set link.meter",
    '指标 <name>：节点 <node> 为自身上报，而网关连接没有为此指定计量点；请设置 link.meter',
  ],
  [
    "metric <name>: <id> cannot be a meter's id; name its meter in the link of the node's gateway",
    '指标 <name>：<id> 不能作为计量点编号；请在该节点网关的连接中指定其计量点',
  ],
  ['metric <name> is of datatype <type>; expected a number', '指标 <name> 的数据类型为 <type>；应为数值'],
  ['metric <name> has no value and is not marked as null', '指标 <name> 没有值，也未标记为空'],
  ['metric <name> has no number in it<text> although its datatype is <type>', '指标 <name> 的数据类型为 <type>，其中却没有数值<text>'],
  [
    'metric <name> is an integer of a datatype that neither the message nor a birth says, so that its sign is uncertain',
    '指标 <name> 是整数，但消息和 birth 都未说明数据类型，正负无法确定',
  ],
  ['metric <name> is <value>, which does not fit <type>', '指标 <name> 为 <value>，超出 <type> 的范围'],
  ['metric <name> is the second one at its time for <quantity> of <meter>', '指标 <name> 是 <meter> 的 <quantity> 在同一时刻的第二个值'],
  ['a metric of a birth has no name', 'birth 中有一个指标没有名称'],
  ["a metric's name has <n> characters; <most> are taken", '指标名称有 <n> 个字符，最多接收 <most> 个'],
  ['the births of node <node> describe too many metrics; <n> were not remembered', '节点 <node> 的 birth 描述的指标过多；有 <n> 个未记住'],
  ['alias <alias> of <=who> is in no birth that was heard', '<=who> 的别名 <alias> 不在任何收到的 birth 中'],
  ['alias <alias> of <=who> stands for two metrics in its birth', '<=who> 的别名 <alias> 在其 birth 中对应两个指标'],
  ['a metric of <=who> has neither name nor alias', '<=who> 有一个指标既无名称也无别名'],

  // Registering what is not registered yet.
  ['meter <meter> is registered already; choose another id', '计量点 <meter> 已经登记；请改用其他编号'],
  ['gateway <gateway> is registered already; choose another id', '网关 <gateway> 已经登记；请改用其他编号'],
  ['there is no unknown meter <meter>', '未登记的计量点列表中没有 <meter>'],
  ['there is no unknown device <device> of the mapping <mapping>', '未登记列表中没有映射 <mapping> 的设备 <device>'],
  ['there is no unknown logger <mn>', '未登记列表中没有数采仪 <mn>'],
  ['there is no mapping <mapping> in the park <park>', '园区 <park> 中没有映射 <mapping>'],
  ['there is no park <park>', '没有园区 <park>'],
  ['the request is not valid: body.<path>: <=why>', '请求无效：<path>：<=why>'],
  ['body.<path>: <=why>', '<path>：<=why>'],

  // Readiness.
  ['too much is not committed yet: the broker is held back', '尚未提交的数据过多：已暂停从代理接收'],
  ['neither the store nor the spool takes readings: senders wait', '数据库和磁盘缓冲均无法写入读数：发送方需要等待'],
  ['writes fail and are tried again; the log says why', '写入失败，正在重试；原因见日志'],
  ['the store does not answer now', '存储当前无应答'],
  ['changes, alerts and dead letters cannot be written now; the log says why', '变更、告警和未入库消息当前无法写入；原因见日志'],
  ['less than <n> MB are left on the disk of the data directory', '数据目录所在磁盘剩余不足 <n> MB'],
  ['starting', '正在启动'],
  ['the broker is <=state> for Sparkplug', 'Sparkplug 的代理连接<=state>'],
  ['the broker is <=state>', '代理连接<=state>'],
  ['<n> readings wait on disk for the store; it takes no more now', '<n> 条读数在磁盘上等待存储；磁盘缓存已不再接收'],
  ['<n> readings wait on disk for the store', '<n> 条读数在磁盘上等待存储'],
];

/** What a sentence names as found, as expected, or as its place. */
const PARTS: readonly (readonly [english: string, chinese: string])[] = [
  ["the number <mn> is that of <~whose>; each logger is one gateway's", '编号 <mn> 已属于<~whose>；一台数采仪只能对应一个网关'],
  ['gateway <gateway>', '网关 <gateway>'],
  ['a gateway of another park', '另一个园区的网关'],
  [
    'meter <meter> was registered in another park, where its readings are; choose another id',
    '计量点 <meter> 曾在另一个园区登记，其读数在那里；请改用其他编号',
  ],
  ['enterprise <enterprise> is not registered in park <park>', '园区 <park> 中没有企业 <enterprise>'],
  ['gateway <gateway> is not registered in park <park>', '园区 <park> 中没有网关 <gateway>'],
  ['park <park> is not registered', '没有园区 <park>'],
  ['missing', '空缺'],
  ['nothing', '空'],
  ['null', '空值（null）'],
  ['an object', '一个对象'],
  ['no bytes', '空消息'],
  ['an array of <n>', '一个 <n> 项的数组'],
  ['the text <text>', '文本 <text>'],
  ['the unit <unit>', '单位 <unit>'],
  ['the name <name>', '名称 <name>'],
  ['only the names <list>', '只有名称 <list>'],
  ['a number too large to be represented', '过大而无法表示的数值'],
  ['the message', '消息'],
  ['<n> bytes that begin <hex>', '<n> 字节，开头为 <hex>'],
  ['<expression>, character <n>', '<expression>，第 <n> 个字符'],
  ['the items of the message', '消息中的各项'],
  ['at least one item', '至少一项'],
  ['at most <n> items in a message', '每条消息最多 <n> 项'],
  ['a time of measurement', '测量时间'],
  ["a meter's id; is the expression's path right?", '计量点编号；表达式的路径是否正确？'],
  ["a meter's id as text", '文本形式的计量点编号'],
  [
    'an id of letters, digits and . _ : -; name the meter of this device under "meters"',
    '由字母、数字和 . _ : - 组成的编号；请在映射的 "meters" 中指定此设备的计量点',
  ],
  ['an object of values by name', '按名称列出数值的对象'],
  ['a quantity of the catalogue, or what the name means under "named.names"', '目录中的参数，或在 "named.names" 中说明此名称的含义'],
  ['at least one of the values of the mapping', '映射所列数值中的至少一个'],
  ['an expression that can be evaluated', '可以求值的表达式'],
  ['<n> ms of work', '运算 <n> 毫秒'],
  ['at most <n> ms for a message', '每条消息最多 <n> 毫秒'],
  ['a mapping that ran too long on a message before this one', '此前因运算过久而暂停的映射'],
  ['one that ends; it is tried again after <n> s', '能够结束的映射；<n> 秒后再试'],
  ['a finite number', '有限数值'],
  ['a number, or a text that is one', '数值，或内容为数值的文本'],
  ['a number; name what true and false stand for under "map"', '数值；请在 "map" 中说明 true 和 false 各代表什么'],
  ['a number, with its unit behind it if it has one, e.g. 12.4 kW', '数值，可在其后带单位，如 12.4 kW'],
  ['groups of three digits and one decimal sign', '三位一组的数字和一个小数点'],
  [
    'one meaning: set "decimal" to "." or "," in the mapping, for <text> can be read both ways',
    '明确的含义：<text> 有两种读法，请在映射中把 "decimal" 设为 "." 或 ","',
  ],
  ['one of <list>', '以下之一：<list>'],
  ['a flag\'s name, or a word of "map" (<list>)', '标志名称，或 "map" 中的词（<list>）'],
  ['a flag\'s name, or a word of "map"', '标志名称，或 "map" 中的词'],
  ['<unit>, or <units>', '<unit>，或 <units>'],
  ['JSON as UTF-8; set "payload" for another form', 'UTF-8 编码的 JSON；其他形式请设置 "payload"'],
  ['JSON; set "payload" for another form', ' JSON；其他形式请设置 "payload"'],
  ['UTF-8 text', 'UTF-8 文本'],
  ['the payload as <form>', '<form> 形式的消息'],
  ['seconds or milliseconds since 1970, or ISO 8601', '自 1970 年起的秒或毫秒，或 ISO 8601'],
  ['ISO 8601, e.g. 2026-01-15T12:00:00+08:00; set time.as for another form', 'ISO 8601，如 2026-01-15T12:00:00+08:00；其他形式请设置 time.as'],
  ['a zone: the time carries none; set "zone" in the mapping, e.g. Asia/Shanghai', '时区：该时间不带时区；请在映射中设置 "zone"，如 Asia/Shanghai'],
  ['a time that the zone has: its clocks were set forward past this one', '该时区存在的时刻：时钟在此被拨快而跳过'],
  ['a time of the form <form>', '形如 <form> 的时间'],
  ['<~unit> since 1970 as a number', '自 1970 年起的 <~unit> 数值'],
  ['<~unit> since 1970 that a calendar has', '日历上存在的、自 1970 年起的 <~unit>'],
  [
    '<~unit> since 1970; this looks like <form>: set "as" to that and "zone" to the clock\'s, e.g. Asia/Shanghai',
    '自 1970 年起的 <~unit>；看起来是 <form>：请把 "as" 设为它，并把 "zone" 设为时钟的时区，如 Asia/Shanghai',
  ],
  [
    '<~unit> since 1970; this looks like <form>: set "as" to that and "zone" to the clock\'s, e.g. Asia/Shanghai and send it through $string(…), as a pattern reads texts',
    '自 1970 年起的 <~unit>；看起来是 <form>：请把 "as" 设为它，把 "zone" 设为时钟的时区，如 Asia/Shanghai，并用 $string(…) 转成文本，因为格式只读文本',
  ],
  [
    'spBv1.0/{group}/{type}/{node} or, for a device, spBv1.0/{group}/{type}/{node}/{device}',
    'spBv1.0/{group}/{type}/{node}，设备为 spBv1.0/{group}/{type}/{node}/{device}',
  ],
  ['<list> and notices', '<list> 及通知'],
  ['end of real-time data', '实时数据结束'],
  ['state of equipment', '设备运行状态'],
  ['end of the state of equipment', '设备运行状态结束'],
  ['running time of equipment', '设备运行时间'],
  ['alarm limits', '报警限值'],
  ['alarms', '报警'],
  ['identity of an instrument', '仪器标识'],
  ['information of an instrument', '仪器信息'],
  ['settings of an instrument', '仪器参数'],
  ['raw data of VOC', 'VOC 原始数据'],
  ['single values of noise', '噪声单次值'],
  ['results of a standard check', '标样核查结果'],
  ['furnace temperature', '炉膛温度'],
  ['data of a kind that is not known', '未知种类的数据'],
  ['timeout and number of repeats', '超时时间及重发次数'],
  ['hardware number of a logger', '数采仪硬件序列号'],
  ['assignment of an MN', '设置 MN'],
  ['time of a logger', '现场机时间'],
  ['setting of the time', '设置现场机时间'],
  ['new key', '新密钥'],
  ['interval of real-time data', '实时数据间隔'],
  ['setting of the interval of real-time data', '设置实时数据间隔'],
  ['interval of minute data', '分钟数据间隔'],
  ['setting of the interval of minute data', '设置分钟数据间隔'],
  ['setting of the password', '设置现场机密码'],
  ['zero and span calibration', '零点、量程校准'],
  ['sampling at once', '即时采样'],
  ['cleaning', '清洗/反吹'],
  ['sampling for comparison', '比对采样'],
  ['sample kept of an exceedance', '超标留样'],
  ['setting of the sampling period', '设置采样时间周期'],
  ['sampling period', '采样时间周期'],
  ['time of sample output', '出样时间'],
  ['Unterminated string in JSON at position <n>', '第 <n> 个字符处的文本没有结束'],
  ['No number after minus sign in JSON at position <n>', '第 <n> 个字符处的负号之后没有数字'],
  ["Expected property name or '}' in JSON at position <n>", '第 <n> 个字符处应为键名或 }'],
  ["Expected ',' or '}' after property value in JSON at position <n>", '第 <n> 个字符处，值之后应为 , 或 }'],
  ["Expected ',' or ']' after array element in JSON at position <n>", '第 <n> 个字符处，数组的项之后应为 , 或 ]'],
  ["Expected ':' after property name in JSON at position <n>", '第 <n> 个字符处，键名之后应为 :'],
  ['Expected double-quoted property name in JSON at position <n>', '第 <n> 个字符处应为双引号中的键名'],
  ['Bad escaped character in JSON at position <n>', '第 <n> 个字符处的转义字符有误'],
  ['Bad Unicode escape in JSON at position <n>', '第 <n> 个字符处的 Unicode 转义有误'],
  ['Bad control character in string literal in JSON at position <n>', '第 <n> 个字符处的文本中有控制字符'],
  ['Unterminated fractional number in JSON at position <n>', '第 <n> 个字符处的小数点之后没有数字'],
  ['Exponent part is missing a number in JSON at position <n>', '第 <n> 个字符处的指数没有数字'],
  ['Unexpected number in JSON at position <n>', '第 <n> 个字符处多出数字'],
  ['node <node>', '节点 <node>'],
  ['device <device> of node <node>', '节点 <node> 的设备 <device>'],
  ['Unexpected token <token>, <text> is not valid JSON', '不是有效的 JSON：<text> 中的字符 <token>'],
  ['Unexpected end of JSON input', '不完整的 JSON'],
  ['Unexpected non-whitespace character after JSON at position <n>', 'JSON 之后第 <n> 个字符处还有内容'],
  ['seconds', '秒'],
  ['milliseconds', '毫秒'],
  ['microseconds', '微秒'],
  ['nanoseconds', '纳秒'],
  ['seconds or milliseconds', '秒或毫秒'],
  ['online', '在线'],
  ['offline', '离线'],
  ['connecting', '正在连接'],
];

interface Rule {
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly chinese: string;
}

const NAME = /<([=~]?[a-z]+)>/g;
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

// What is quoted is one piece, whatever stands in it; a name has no end of a sentence in it.
const ONE_NAME = '("(?:[^"\\\\]|\\\\.)*"|(?:(?!; ).)*?)';
const ANYTHING = '("(?:[^"\\\\]|\\\\.)*"|.*?)';

function ruleOf([english, chinese]: readonly [string, string]): Rule {
  const names = [...english.matchAll(NAME)].map(([, name]) => name as string);
  const [first = '', ...others] = english.split(/<[=~]?[a-z]+>/).map(escaped);
  const pattern = others.reduce((made, next, at) => made + (/^[a-z]/.test(names[at] as string) ? ONE_NAME : ANYTHING) + next, first);
  return { pattern: new RegExp(`^${pattern}$`, 's'), names, chinese };
}

/** The more is written out, the surer it is that this sentence is meant. */
const bySureness = (pairs: typeof SENTENCES): Rule[] =>
  [...pairs].sort(([a], [b]) => b.replaceAll(NAME, '').length - a.replaceAll(NAME, '').length).map(ruleOf);
const SENTENCE_RULES = bySureness(SENTENCES);
const PART_RULES = bySureness(PARTS);

interface Translation {
  readonly chinese: string;
  /** Parts of it that are not known here and stay as they are. */
  readonly unknown: number;
}

/** Without the spaces that parts bring along where a sign of its own width stands. */
const tight = (text: string): string => text.replaceAll(/ +(?=[；，。）])|(?<=[（：，]) +/g, '').trim();

function translated(text: string, rules: readonly Rule[]): Translation | null {
  let best: Translation | null = null;
  for (const { pattern, names, chinese } of rules) {
    const found = pattern.exec(text);
    if (found === null) continue;
    let unknown = 0;
    const values = new Map(
      names.map((name, at) => {
        const value = found[at + 1] as string;
        if (/^[a-z]/.test(name)) return [name, value];
        const part = translated(value, PART_RULES);
        if (name.startsWith('=')) unknown += part?.unknown ?? 1;
        return [name, part?.chinese ?? ` ${value} `];
      }),
    );
    if (best !== null && best.unknown <= unknown) continue;
    best = { chinese: tight(chinese.replaceAll(NAME, (_, name: string) => values.get(name) ?? '')), unknown };
    if (unknown === 0) break;
  }
  return best;
}

/** A sentence may say before it where in the message it belongs. */
function placed(text: string): Translation | null {
  const [, where, rest] = /^at (\S+(?: \S+){0,2}?): (.+)$/s.exec(text) ?? [];
  const inner = rest === undefined ? null : translated(rest, SENTENCE_RULES);
  return inner === null ? translated(text, SENTENCE_RULES) : { ...inner, chinese: `${where} 处：${inner.chinese}` };
}

/**
 * What the service says, in Chinese; sentences that are not known here stay as they are. Several stand one after the other with a semicolon
 * between, which some have inside them as well: of those that may begin at a place it is the one of which most is known, and the shorter of two
 * unless what would be left over then is nothing known.
 */
export function inChinese(english: string): string {
  const pieces = english.split('; ');
  const begins = (from: number): boolean => from === pieces.length || sentencesFrom(pieces, from).length > 0 || IN_ALL.test(pieces[from] as string);
  const told: string[] = [];
  for (let from = 0; from < pieces.length; ) {
    const found = sentencesFrom(pieces, from);
    const least = Math.min(...found.map(({ unknown }) => unknown));
    const likely = found.filter(({ unknown }) => unknown === least);
    const chosen = likely.find(({ to }) => begins(to)) ?? likely[0];
    const [piece, count] = IN_ALL.exec(pieces[from] as string) ?? [pieces[from] as string];
    told.push(chosen?.chinese ?? (count === undefined ? piece : `共 ${count} 处`));
    from = chosen?.to ?? from + 1;
  }
  return told.join('；');
}

/** A sentence of the service in the reader's language. */
export const sentenceIn = (language: Language, english: string): string => (language === 'en' ? english : inChinese(english));

/** At the end, where the service tells only the first few. */
const IN_ALL = /^(\d+) in all$/;

const sentencesFrom = (pieces: readonly string[], from: number): (Translation & { readonly to: number })[] =>
  Array.from({ length: Math.min(pieces.length - from, MOST_PIECES) }, (_, more) => from + more + 1).flatMap((to) => {
    const found = placed(pieces.slice(from, to).join('; '));
    return found === null ? [] : [{ ...found, to }];
  });

/** Of one sentence, semicolons inside it counted. */
const MOST_PIECES = 6;
