{%- set no_assessors = "learners.assessor_id is null and " ~ onefile.is_loaded('learners', 'DefaultAssessorID', 'learners.customer') -%}
{%- set problems = [
    ('no ULN', "learners.uln is null and " ~ onefile.is_loaded('learners', 'ULN', 'learners.customer'), 'null'),
    (
        'ULN is not ten digits',
        "not (" ~ onefile.matches('learners.uln', '^([0-9]{10}|[0-9a-f]{64})$') ~ ")",
        'null',
    ),
    ('ULN is doubled', 'learners.with_this_uln > 1', 'learners.with_this_uln'),
    ('no MISID', "learners.misid is null and " ~ onefile.is_loaded('learners', 'MISID', 'learners.customer'), 'null'),
    ('MISID is doubled', 'learners.with_this_misid > 1', 'learners.with_this_misid'),
    ('no assessor', no_assessors, 'null'),
    (
        'no assessor has this id',
        "learners.assessor_id is not null and coalesce(assessors.role_id, 0) not in (4, 5) and "
        ~ onefile.is_loaded('assessors', '', 'learners.customer'),
        'learners.assessor_id',
    ),
    ('no status', "learners.status_id is null and " ~ onefile.is_loaded('learners', 'LearnerStatusID', 'learners.customer'), 'null'),
    ('no start', "learners.started is null and " ~ onefile.is_loaded('learners', 'StartOn', 'learners.customer'), 'null'),
    ('no planned end', "learners.planned_end is null and " ~ onefile.is_loaded('learners', 'PlannedEndDate', 'learners.customer'), 'null'),
    ('planned end is not after the start', 'learners.planned_end <= learners.started', 'null'),
] -%}
with counted as (
    select
        *,
        case when uln is not null then count(*) over (partition by customer, uln) end as with_this_uln,
        case
            when misid is not null
                then count(*) over (partition by customer, upper({{ onefile.squeezed('misid') }}))
        end as with_this_misid
    from {{ ref('onefile_learners') }}
    where not is_archived and not is_gone
)

{% for problem, condition, detail in problems -%}
select
    learners.customer, learners.learner_id, learners.learner, learners.organisation, learners.status, learners.assessor_id,
    learners.assessor, '{{ problem }}' as problem, cast({{ detail }} as {{ dbt.type_string() }}) as detail
from counted as learners
left join {{ ref('int_onefile_people') }} as assessors
    on learners.customer = assessors.customer and learners.assessor_id = assessors.user_id
where learners.in_learning and {{ condition }}
{{ 'union all' if not loop.last }}
{% endfor %}
