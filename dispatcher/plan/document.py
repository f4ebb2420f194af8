"""What may stand where in the calendar file, key by key, explained to the clerk in Chinese."""

from __future__ import annotations

from typing import Any

from dispatcher.plan.channels import CHANNEL
from dispatcher.plan.english import FORMS as ENGLISH_FORMS
from dispatcher.plan.phrases import FORMS, UNITS
from dispatcher.plan.scalars import (
    NAME,
    Blank,
    Choice,
    ClockTime,
    Day,
    Flag,
    Mail,
    MonthDay,
    Stretch,
    Whole,
    Window,
    Words,
)
from dispatcher.plan.shape import Either, Field, Many, Named, Record

FIGURE_NAME = Words(forbidden="/@#=\n")
"""A measure or its subject, so that ``名称=数`` can be said on a command line."""
ROLL = Choice(("preceding", "following", "none", "skip"))
LENGTHS = {
    "week": "每周",
    "fortnight": "每两周",
    "half-month": "每半月",
    "month": "每月",
    "two-months": "每两个月",
    "quarter": "每季度",
    "half-year": "每半年",
    "year": "每年",
    "dates": "指定日期",
}
OFFSETS = Many(Words(examples=("7d", "3wd", "every 5wd")))

PLAN = Record(
    {
        "title": Field(Words(), "名称", "这份工作清单的全称", required=True),
        "timezone": Field(Words(), "时区", "例如 Asia/Shanghai"),
        "office": Field(NAME, "督办单位", "每天收督办日报的单位", required=True),
        "from": Field(Day(), "起始日", "从哪一天起算", required=True),
        "until": Field(Day(), "截止日", "到哪一天为止,不写就一直有效"),
    }
)
SPAN = Record(
    {
        "name": Field(NAME, "名称", "例如 2026年寒假", required=True),
        "from": Field(Day(), "第一天", "含当天", required=True),
        "to": Field(Day(), "最后一天", "含当天", required=True),
        "source": Field(Words(), "出处", "文件名称、文号或网址"),
        "provisional": Field(Flag(), "暂定", "还没有正式通知的写 true"),
        "note": Field(Words(), "说明", ""),
    }
)
ANNOUNCED = Named(NAME, Many(Stretch(), single=True))
NOTICE = Record(
    {
        "source": Field(Words(), "出处", "文号或网址", required=True),
        "off": Field(ANNOUNCED, "放假", "例如 元旦: 2026-01-01..2026-01-03", required=True),
        "work": Field(ANNOUNCED, "调休上班", "例如 春节: [2026-02-14, 2026-02-28]"),
    }
)
CALENDAR = Record(
    {
        "holidays": Field(
            Choice(("china", "none")), "节假日", "china 按国务院放假通知,none 只看周末"
        ),
        "off": Field(Many(Day()), "另外放假", "例如 [2026-10-09]"),
        "work": Field(Many(Day()), "另外上班", "例如 [2026-10-11]"),
        "notices": Field(
            Named(Whole(2000, 2099), NOTICE),
            "放假通知",
            "国务院的放假通知,按年份;用 dispatcher calendar import 导入",
        ),
        "ranges": Field(Named(NAME, Many(SPAN)), "时段", "有名称的时段,例如寒暑假、学期"),
    }
)
ESCALATE = Record(
    {
        "after": Field(Words(examples=("3wd",)), "逾期多久", "例如 3wd 是3个工作日", required=True),
        "to": Field(Choice(("superior", "office")), "报告谁", "superior 上级,office 督办单位"),
    }
)
DEFAULTS = Record(
    {
        "roll": Field(ROLL, "遇休息日", "preceding 提前,following 顺延,none 不动,skip 不做"),
        "due": Field(Words(examples=("25日前",)), "默认日子", "例如 25日前,不写就是每期最后一天"),
        "at": Field(ClockTime(), "几点发", "例如 09:00"),
        "window": Field(Window(), "发送时段", "只在工作日这段时间里发"),
        "open": Field(Flag(), "开始时告知", "每期开始时先告知一次"),
        "min_workdays": Field(Whole(0, 31), "最少工作日", "扣除例外后不足这个数,这一期不做"),
        "year_round": Field(Words(examples=("每季度",)), "全年工作多久报一次", "例如 每季度"),
        "before": Field(
            Record({key: Field(OFFSETS, name, "到期前几天提醒") for key, name in LENGTHS.items()}),
            "提前提醒",
            "7d 指提前7天,3wd 指提前3个工作日",
        ),
        "overdue": Field(OFFSETS, "逾期催办", "例如 [1wd, 3wd, every 5wd]"),
        "escalate": Field(ESCALATE, "报告上级", "逾期多久报告谁"),
    }
)
CONTACT = Record(
    {
        "name": Field(Words(), "姓名", "", required=True),
        "role": Field(Blank(), "身份", "例如 联络员、经办人"),
        "email": Field(Mail(), "邮箱", "例如 name@example.com"),
        "mobile": Field(Blank(), "手机号", "写在引号里"),
        "account": Field(Blank(), "政务钉钉账号", "赣政通里的人员编号,写在引号里"),
    }
)
UNIT = Record(
    {
        "level": Field(
            Choice(("district", "company", "town", "leader")),
            "层级",
            "district 区直单位,company 公司,town 镇(管理处),leader 领导",
        ),
        "superior": Field(NAME, "上级", "逾期后向谁报告"),
        "aliases": Field(Many(NAME), "别名", "别的叫法、旧名称"),
        "contacts": Field(Many(CONTACT), "联系人", ""),
        "channels": Field(Many(NAME), "发送方式", "按先后,email 是邮件"),
        "notify": Field(
            Choice(("all", "first-that-works")),
            "怎样发",
            "first-that-works 前一个发不到才用下一个(不写就是这样),all 每个都发",
        ),
        "sheet": Field(Flag(), "附台账", "写 true,提醒时附上该单位的台账(Excel)"),
    }
)
GROUP = Either(
    sequence=Many(NAME, filled=True),
    mapping=Record(
        {
            "members": Field(Many(NAME, filled=True), "成员", "", required=True),
            "aliases": Field(Many(NAME), "别名", ""),
            "confirm": Field(Words(), "待核对", "名单为什么还要核对"),
        }
    ),
)
MOVE = Record(
    {
        "to": Field(Day(), "新日子", "", required=True),
        "reason": Field(Words(), "理由", "", required=True),
    }
)
WHEN = Either(
    scalar=Words(examples=FORMS + ENGLISH_FORMS),
    mapping=Record(
        {
            "every": Field(Words(examples=tuple(UNITS)), "多久一次", "周、月、季度、半年、年"),
            "times": Field(Whole(1, 366), "几次", ""),
            "due": Field(Words(examples=("10", "末月25日前")), "哪一天前", ""),
            "except": Field(Many(NAME, single=True), "除外", "时段名称"),
            "anchor": Field(Day(), "起算日", "每两周从哪一周算起"),
            "rrule": Field(Words(), "重复规则", "RFC 5545 的 RRULE"),
        }
    ),
)
TARGETS = (
    *("不低于99%", "不少于1", "至少1", "达到100%", "99%以上", ">=99%"),
    *("不超过10%", "10%以内", "<=10%", "0", "只增不减", "有增加"),
)
"""One example of each form of a target; a number alone is just that number."""
TARGET = Words(examples=TARGETS)
MEASURE = Record(
    {
        "name": Field(FIGURE_NAME, "名称", "例如 参保率", required=True),
        "unit": Field(Words(), "计量单位", "例如 个、户、万元;百分号写在引号里"),
        "target": Field(
            Either(scalar=TARGET, mapping=Named(MonthDay(), TARGET)),
            "目标",
            "照文件的说法写,例如 不低于99%;分日期的写 {09-30: 不低于75%, 12-31: 达到100%}",
        ),
        "each": Field(
            Either(scalar=FIGURE_NAME, sequence=Many(FIGURE_NAME, filled=True)),
            "分别填报",
            "组名,或者几个项目、村的名称,一个一个数",
        ),
        "by": Field(
            Either(scalar=Words(), sequence=Many(NAME, filled=True)),
            "谁填",
            "不写就是要反馈的单位都填",
        ),
        "base": Field(
            Either(scalar=Words(), mapping=Named(FIGURE_NAME, Words())),
            "上年数",
            "只增不减、有增加的才写;分别填报的写 {潭东镇: 12}",
        ),
    }
)
DUTY = Record(
    {
        "id": Field(NAME, "编号", "小写英文和短横线,定了就不要再改", required=True),
        "title": Field(Words(), "简称", "提醒的标题用它", required=True),
        "rows": Field(Many(Whole(1, 9999)), "清单序号", "例如 [5]"),
        "clause": Field(Words(), "正文出处", "例如 三(一)"),
        "task": Field(Words(), "任务要求", "文件原文"),
        "secret": Field(Flag(), "涉密", "写 true,任务要求的内容不存、不发,只说到哪里查阅"),
        "when": Field(WHEN, "时限", "照文件的说法写,例如 每季度末月25日前", required=True),
        "responsible": Field(
            Either(scalar=Words(), sequence=Many(NAME)),
            "责任单位",
            "第一个是牵头单位,可以写组名",
            required=True,
        ),
        "lead": Field(
            Either(scalar=Words(), sequence=Many(NAME)), "牵头单位", "不是责任单位第一个时才写"
        ),
        "expect": Field(Choice(("all", "lead")), "谁要反馈", "all 都要,lead 只要牵头单位"),
        "roll": Field(ROLL, "遇休息日", "只对这一项"),
        "before": Field(OFFSETS, "提前提醒", "只对这一项"),
        "overdue": Field(OFFSETS, "逾期催办", "只对这一项"),
        "open": Field(Flag(), "开始时告知", "只对这一项"),
        "min_workdays": Field(Whole(0, 31), "最少工作日", "只对这一项"),
        "from": Field(Day(), "从哪天起", ""),
        "until": Field(Day(), "到哪天止", ""),
        "skip": Field(Named(NAME, Words()), "不做的期次", "期次: 理由"),
        "move": Field(Named(NAME, MOVE), "改日子的期次", "期次: {to: 日期, reason: 理由}"),
        "measures": Field(Many(MEASURE), "指标", "反馈时要填报的数"),
        "note": Field(Words(), "备注", ""),
    },
    duties=True,
)
RUNG = Record(
    {
        "colour": Field(Choice(("蓝", "黄", "红", "橙", "白")), "颜色", "", required=True),
        "name": Field(Words(), "名称", "例如 蓝色提醒单", required=True),
        "after": Field(
            Words(examples=("3wd", "0d", "-3d")),
            "何时",
            "逾期多久仍未反馈,0d 是到期当天,-3d 是到期前3天",
            required=True,
        ),
        "to": Field(
            Many(Choice(("owner", "superior", "office")), filled=True),
            "发给谁",
            "owner 责任单位,superior 上级,office 督办单位",
            required=True,
        ),
        "answer": Field(Words(examples=("3wd",)), "答复期限", "发出后多久内答复", required=True),
        "unanswered": Field(Flag(), "上一级未答复", "写 true,上一级的单子到期没有答复才发"),
        "demand": Field(Words(), "要求", "一句话,要单位做什么", required=True),
    }
)
LADDER = Record(
    {
        "number": Field(
            Words(examples=("蓉农督〔{year}〕{number}号",)),
            "文号",
            "{year} 是年份,{number} 是顺序号",
            required=True,
        ),
        "rungs": Field(Many(RUNG, filled=True), "各级督办单", "从轻到重", required=True),
    }
)
DOCUMENT = Record(
    {
        "plan": Field(PLAN, "总则", "", required=True),
        "calendar": Field(CALENDAR, "日历", "节假日、寒暑假、学期"),
        "defaults": Field(DEFAULTS, "通用规定", "每项工作没有另写时按这里"),
        "channels": Field(Named(NAME, CHANNEL), "发送渠道", "邮件以外的渠道"),
        "units": Field(Named(NAME, UNIT), "单位", "", required=True),
        "groups": Field(Named(NAME, GROUP), "组", "几个单位的合称"),
        "ladder": Field(LADDER, "督办单", "逾期后逐级发的督办单"),
        "duties": Field(Many(DUTY), "工作", "", required=True),
    }
)


def json_schema() -> dict[str, Any]:
    """The whole file as JSON Schema, draft 7, for editors."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "dispatcher schedules.yaml",
        "description": "工作日历:哪些工作、多久一次、由谁负责",
        **DOCUMENT.schema(),
    }
