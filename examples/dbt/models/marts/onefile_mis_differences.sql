{%- set text = dbt.type_string() -%}
{%- set fields = [
    ('name', 'learners.learner', 'mis.name', 'lower(trim(learners.learner)) <> lower(trim(mis.name))'),
    ('ULN', 'learners.uln', 'mis.uln', onefile.digits('learners.uln') ~ ' <> ' ~ onefile.digits('mis.uln')),
    ('email', 'learners.email', 'mis.email', 'lower(trim(learners.email)) <> lower(trim(mis.email))'),
    ('date of birth', 'learners.date_of_birth', 'mis.date_of_birth', 'learners.date_of_birth <> mis.date_of_birth'),
    ('start', 'learners.started', 'mis.started', 'learners.started <> mis.started'),
    ('planned end', 'learners.planned_end', 'mis.planned_end', 'learners.planned_end <> mis.planned_end'),
    ('employer', 'learners.placement', 'mis.employer', 'lower(trim(learners.placement)) <> lower(trim(mis.employer))'),
    ('status', 'learners.status', 'mis.status', 'lower(trim(learners.status)) <> lower(trim(mis.status))'),
] -%}
{% for field, in_onefile, in_mis, differ in fields -%}
select
    learners.customer, learners.learner_id, learners.learner, learners.organisation, learners.status,
    learners.in_learning, pairs.matched_by, pairs.mis_misid, '{{ field }}' as field,
    cast({{ in_onefile }} as {{ text }}) as in_onefile, cast({{ in_mis }} as {{ text }}) as in_mis
from {{ ref('onefile_mis_match') }} as pairs
inner join {{ ref('onefile_learners') }} as learners
    on pairs.customer = learners.customer and pairs.learner_id = learners.learner_id
inner join {{ ref('int_onefile_mis') }} as mis on pairs.mis_row = mis.mis_row
-- Whoever fits several is not known to be the same; and what the MIS leaves open differs from nothing.
where pairs.action not like 'Check: fits%' and {{ in_mis }} is not null and ({{ differ }} or {{ in_onefile }} is null)
{{ 'union all' if not loop.last }}
{% endfor %}
